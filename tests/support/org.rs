//! An organization with everything around it, and passes as the shell runs them: recover,
//! look, act.

use std::collections::BTreeSet;
use std::future::Future;
use std::sync::{Arc, Mutex, OnceLock};

use dirsyncd::clock;
use dirsyncd::guard::{Limit, Limits, Tally};
use dirsyncd::model::{Action, Email, Field};
use dirsyncd::pass::{
    Acted, Answer, Hands, Heard, Hearing, Look, Observe, Part, PassError, World, act, forget_cursors, hear,
    look,
};
use dirsyncd::plan::{GroupRules, Leavers};
use dirsyncd::recover::recover;
use dirsyncd::report::{Event, Sink};
use dirsyncd::rules::{Dialect, Rules, Spec};
use dirsyncd::source::Source;
use dirsyncd::store::{NewRun, Store};
use tokio::runtime::{Builder, Runtime};
use tokio_util::sync::CancellationToken;

use super::fake_cloud::FakeCloud;
use super::fake_source::Directory;

/// The runtime that all tests of a binary share.
pub fn runtime() -> &'static Runtime {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    RUNTIME.get_or_init(|| Runtime::new().expect("a test machine has threads"))
}

/// A guard that lets everything pass: for tests of what is done, and not of what is held.
pub fn unlimited() -> Limits {
    let limit = Limit { count: u64::MAX, percent: 100, floor: u64::MAX };
    Limits {
        deactivate: limit,
        delete: limit,
        license_remove: limit,
        blank: limit,
        scope_change: limit,
        group_member_remove: limit,
        group_delete: limit,
        contact_delete: limit,
        contact_blank: limit,
        min_census_percent: 0,
    }
}

/// An organization.
pub struct Org {
    pub directories: Vec<Directory>,
    pub cloud: FakeCloud,
    pub store: Store,
    pub spec: Spec,
    pub leavers: Leavers,
    pub adopt: bool,
    pub preempt: bool,
    pub groups: GroupRules,
    pub adopt_contacts: bool,
    pub limits: Limits,
    pub protected: BTreeSet<Email>,
    pub observe: Observe,
    /// Whether passes follow what changed in the directories, where that is enough.
    pub follows: bool,
    /// Whether records are kept.
    pub keep_records: bool,
    /// Seconds that have passed in this world besides those on the clock.
    pub elapsed: i64,
    /// Why everything was read by polls.
    pub reasons: Arc<Mutex<Vec<String>>>,
}

/// What a pass did.
pub struct Passed {
    pub acted: Acted,
    pub look: Look,
    /// Confirmed actions, in order.
    pub done: Vec<Action>,
    /// Writes that the cloud counted.
    pub writes: u64,
}

/// What a look found.
pub struct Looked {
    pub look: Look,
    pub parts: Vec<Part>,
}

impl Looked {
    /// All actions that may be carried out.
    pub fn actions(&self) -> Vec<Action> {
        self.parts.iter().flat_map(|part| part.checked.plan().actions.clone()).collect()
    }
}

impl Org {
    pub fn new() -> Self {
        let spec = Spec {
            dialect: Dialect::InetOrgPerson,
            defaults: false,
            mapping: [(Field::Title, "title"), (Field::Department, "department"), (Field::City, "l")]
                .map(|(field, source)| (field, source.to_owned()))
                .into(),
            ..Spec::default()
        };
        Self {
            directories: vec![Directory::new("hq")],
            cloud: FakeCloud::new(),
            store: Store::in_memory(),
            spec,
            leavers: Leavers::default(),
            adopt: true,
            preempt: false,
            groups: GroupRules::default(),
            adopt_contacts: false,
            limits: Limits::default(),
            protected: BTreeSet::new(),
            observe: Observe::Touched,
            follows: false,
            keep_records: false,
            elapsed: 0,
            reasons: Arc::default(),
        }
    }

    /// The first directory.
    pub fn directory(&self) -> &Directory {
        &self.directories[0]
    }

    pub fn now(&self) -> i64 {
        clock::now().timestamp() + self.elapsed
    }

    fn sources(&self) -> Vec<Box<dyn Source>> {
        self.directories.iter().map(|one| Box::new(one.clone()) as Box<dyn Source>).collect()
    }

    async fn hear(&self, in_passing: bool, events: Sink) -> Result<Answer, PassError> {
        let sources = self.sources();
        let rules = Rules::compile(&self.spec).expect("the rules of a test compile");
        hear(Hearing {
            sources: &sources,
            reader: self.store.reader(),
            rules: &rules,
            in_passing,
            keep_records: self.keep_records,
            full_every: i64::MAX,
            delete_after: self.leavers.delete_after,
            now: self.now(),
            events,
        })
        .await
    }

    async fn look_with(&self, observe: Observe, events: Sink) -> Result<Look, PassError> {
        let heard = if self.follows && observe == Observe::Touched {
            match self.hear(false, Arc::clone(&events)).await? {
                Answer::Something(heard) => Some(heard),
                Answer::Everything { .. } | Answer::Nothing(_) => None,
            }
        } else {
            None
        };
        self.look_at(heard, observe, events).await
    }

    async fn look_at(
        &self,
        heard: Option<Box<Heard>>,
        observe: Observe,
        events: Sink,
    ) -> Result<Look, PassError> {
        let sources = self.sources();
        let rules = Rules::compile(&self.spec).expect("the rules of a test compile");
        let world = World {
            sources: &sources,
            cloud: &self.cloud,
            reader: self.store.reader(),
            rules,
            leavers: self.leavers,
            adopt: self.adopt,
            preempt: self.preempt,
            groups: self.groups,
            adopt_contacts: self.adopt_contacts,
            limits: self.limits,
            protected: self.protected.clone(),
            observe,
            keep_records: self.keep_records,
            heard,
            recent: Tally::default(),
            now: self.now(),
            events,
        };
        look(world).await
    }

    /// Tells the cloud which anchors are those of one human being: who may get whose account.
    fn know_humans(&self) {
        let mut cloud = self.cloud.state();
        for directory in &self.directories {
            let state = directory.state();
            for entry in state.people.values().chain(state.dropped.values()) {
                if let Some(number) = entry.attributes.get("employeeNumber").and_then(|all| all.first()) {
                    cloud.humans.insert(entry.anchor.to_string(), number.trim().to_lowercase());
                }
            }
        }
    }

    /// The directory with this name; a new domain when there is none.
    pub fn domain(&mut self, name: &str) -> Directory {
        if let Some(known) = self.directories.iter().find(|one| one.is_named(name)) {
            return known.clone();
        }
        let domain = Directory::domain(name);
        self.directories.push(domain.clone());
        domain
    }

    /// One whole pass.
    pub async fn pass(&self, observe: Observe) -> Result<Passed, PassError> {
        let done = Arc::new(Mutex::new(Vec::new()));
        let before = self.cloud.state().writes;
        let events: Sink = {
            let done = Arc::clone(&done);
            Arc::new(move |event| {
                if let Event::Done { action, .. } = event {
                    done.lock().unwrap_or_else(|e| e.into_inner()).push(Arc::unwrap_or_clone(action));
                }
            })
        };
        self.know_humans();
        let observe = if recover(&self.store).await? > 0 { Observe::All } else { observe };
        let look = self.look_with(observe, Arc::clone(&events)).await?;
        self.act_on(look, before, done, events).await
    }

    async fn act_on(
        &self,
        look: Look,
        before: u64,
        done: Arc<Mutex<Vec<Action>>>,
        events: Sink,
    ) -> Result<Passed, PassError> {
        let started = NewRun { started: self.now(), mode: "delta".into(), trigger: "test".into() };
        let run = self.store.begin_run(started).await?;
        let hands = Hands {
            cloud: Arc::new(self.cloud.clone()),
            writer: Arc::new(self.cloud.clone()),
            store: self.store.clone(),
            run,
            events,
            stop: CancellationToken::new(),
        };
        let (acted, look) = act(look, &hands).await?;
        self.store.end_run(run, self.now(), "ok".into(), serde_json::Value::Null).await?;
        let done = std::mem::take(&mut *done.lock().unwrap_or_else(|e| e.into_inner()));
        Ok(Passed { acted, look, done, writes: self.cloud.state().writes - before })
    }

    /// A pass over what changed in passing, as the daemon makes it between two passes on
    /// schedule; `None` when there is nothing to do, `Some(Err)` with the reason to read everything.
    pub fn poll(&self) -> Result<Option<Result<Passed, String>>, PassError> {
        runtime().block_on(async {
            self.know_humans();
            let before = self.cloud.state().writes;
            match self.hear(true, Arc::new(|_| {})).await? {
                Answer::Nothing(None) => Ok(None),
                Answer::Nothing(Some(fresh)) => {
                    self.store.follow(fresh.0, fresh.1).await?;
                    Ok(None)
                }
                Answer::Everything { reason, doubted } => {
                    let mut meta = self.store.reader().meta()?;
                    forget_cursors(&mut meta, doubted.as_deref(), true);
                    self.store.set_meta(meta).await?;
                    Ok(Some(Err(reason)))
                }
                Answer::Something(heard) => {
                    let reasons = Arc::clone(&self.reasons);
                    let events: Sink = Arc::new(move |event| {
                        if let Event::ReadingAll { reason } = event {
                            reasons.lock().unwrap_or_else(|e| e.into_inner()).push(reason);
                        }
                    });
                    let look = self.look_at(Some(heard), Observe::Touched, Arc::clone(&events)).await?;
                    self.act_on(look, before, Arc::default(), events).await.map(|passed| Some(Ok(passed)))
                }
            }
        })
    }

    pub fn sync(&self) -> Result<Passed, PassError> {
        runtime().block_on(self.pass(self.observe))
    }

    pub fn sync_all(&self) -> Result<Passed, PassError> {
        runtime().block_on(self.pass(Observe::All))
    }

    /// A look that changes nothing.
    pub fn plan(&self) -> Result<Looked, PassError> {
        let look = runtime().block_on(self.look_with(self.observe, Arc::new(|_| {})))?;
        let mut parts = Vec::new();
        look.parts(|part| {
            parts.push(part);
            true
        })?;
        Ok(Looked { look, parts })
    }

    /// Runs a pass that may be dropped in the middle, and comes back when it is as dead as a killed
    /// process: nothing of it runs any more, and what it sent to the disk is there.
    fn killed(&self, pass: impl Future<Output = bool>) -> bool {
        // On one thread: what the pass has spawned ends with it, and not wherever it is just then.
        let alone = Builder::new_current_thread().enable_all().build().expect("a test machine has threads");
        let killed = alone.block_on(pass);
        drop(alone);
        runtime().block_on(self.store.prune(i64::MIN)).expect("the state can be written");
        killed
    }

    /// A pass that is killed at a call to the cloud, counted from now; `after` the effect or
    /// before it. `false` when the pass came to its end before that.
    pub fn killed_at_call(&self, call: u64, after: bool) -> bool {
        {
            let mut state = self.cloud.state();
            let at = state.calls + call;
            state.freeze = Some((at, after));
        }
        let killed = self.killed(async {
            tokio::select! {
                biased;
                () = self.cloud.frozen() => true,
                _ = self.pass(self.observe) => false,
            }
        });
        self.cloud.state().freeze = None;
        killed
    }

    /// A pass that is killed where it waits for the `step`th time. `false` when it came to its
    /// end before that.
    pub fn killed_at_step(&self, step: u64) -> bool {
        self.killed(async {
            let mut pass = Box::pin(self.pass(self.observe));
            let mut left = step;
            std::future::poll_fn(|context| {
                if left == 0 {
                    return std::task::Poll::Ready(true);
                }
                left -= 1;
                pass.as_mut().poll(context).map(|_| false)
            })
            .await
        })
    }
}

/// They name whoever stands where "boss" stands now.
pub fn reports_to(org: &Org, who: &str, boss: &str) {
    let boss = org.directory().state().people[boss].dn();
    org.directory().person(who, |entry| entry.attributes.insert("manager".into(), vec![boss]));
}

/// The address of the manager whom somebody has in the cloud.
pub fn manager(org: &Org, who: &str) -> Option<String> {
    let mut cloud = org.cloud.state();
    let id = cloud
        .by_email(&format!("{who}@example.com"))
        .expect("an account")
        .account
        .profile
        .get(&Field::Manager)?
        .clone();
    let boss = cloud.accounts.values().find(|kept| kept.account.id.as_str() == id)?;
    boss.account.email.as_ref().map(ToString::to_string)
}
