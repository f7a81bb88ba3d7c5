//! `dirsyncd demo`: the whole product in one command. A real configuration, a real source, the
//! real client against the sandbox; only company and organization are invented.

mod company;
mod export;
mod scene;
mod theatre;

use crate::report::Counts;
use crate::store::Lock;

use super::args::{self, Globals};
use super::assemble::Parts;
use super::console::Console;
use super::exit::{Exit, Failure};
use super::stopping::stoppable;

use company::Company;
use scene::Scene;
use theatre::Theatre;

/// Seats that are left for hosts after the first pass.
const SPARE: u64 = 2;

/// Runs the command.
///
/// # Errors
///
/// When anything is not as it should be: the demo checks itself.
pub async fn run(globals: &Globals, console: Console, args: &args::Demo) -> Result<Exit, Failure> {
    if globals.config.is_some() && std::env::var_os("DIRSYNCD_CONFIG").is_none() || globals.state.is_some() {
        return Err(Failure::usage(
            "the demo writes its own configuration and state",
            "leave out --config and --state; --keep DIR shows them afterwards",
        ));
    }
    let people = usize::try_from(args.people).unwrap_or(usize::MAX);
    let mut company = Company::found(people, args.seed);
    let theatre = Theatre::open(args, &company, SPARE).await?;
    let _log = theatre.start_log(console);
    let (result, told) = stoppable(|stop| async {
        let scene = Scene::new(console, stop);
        play(&scene, &theatre, &mut company).await?;
        if args.serve {
            scene.say(&theatre.how_to_go_on())?;
            scene.until_told().await;
        } else if args.keep.is_some() {
            scene.say(&theatre.how_to_look())?;
        }
        Ok(())
    })
    .await;
    theatre.close().await;
    match (result, told) {
        (Ok(()), _) => Ok(Exit::Done),
        (Err(_), Some(exit)) => Ok(exit),
        (Err(failure), None) => Err(failure),
    }
}

async fn play(scene: &Scene, theatre: &Theatre, company: &mut Company) -> Result<(), Failure> {
    let (people, groups) = company.size();
    scene.chapter("An invented company")?;
    scene.say(&format!(
        "The directory is an LDIF file with {people} people and {groups} groups, one inside the other.\n\
         The cloud is the sandbox, a Webex organization on this machine: {}.",
        theatre.seats()
    ))?;
    scene.say("The configuration that joins them:\n")?;
    scene.quote(theatre.rules())?;

    let parts = theatre.load()?;
    let lock = Lock::acquire(&parts.config.state_dir)?;
    let store = crate::store::Store::open(&parts.config.state_dir, &lock)?;
    let result = acts(scene, theatre, company, &parts, &store).await;
    store.close();
    result
}

async fn acts(
    scene: &Scene,
    theatre: &Theatre,
    company: &mut Company,
    parts: &Parts,
    store: &crate::store::Store,
) -> Result<(), Failure> {
    let people = company.size().0 as u64;

    scene.chapter("dirsyncd sync: the first pass")?;
    let first = scene.pass(parts, store).await?;
    expect(
        "the first pass",
        &first,
        // Who gets a manager at the end of the pass depends on who was created first.
        &Counts {
            create: people - 1,
            license_add: people - 1,
            withheld: 1,
            update: first.update,
            ..some(&first)
        },
    )?;
    compare(theatre, company, 0)?;

    scene.chapter("Life goes on in the directory")?;
    for sentence in company.live_on() {
        scene.say(&format!("* {sentence}"))?;
    }
    theatre.write_directory(company)?;

    scene.chapter("dirsyncd plan: what would a pass do?")?;
    let writes = theatre.writes();
    let planned = scene.plan(parts, store).await?;
    let expected = Counts {
        create: 1,
        update: 4,
        deactivate: 2,
        license_add: 4,
        license_remove: 3,
        withheld: 4,
        waiting: 2,
        ..some(&planned)
    };
    expect("the plan", &planned, &expected)?;
    unchanged("the plan", writes, theatre.writes())?;
    scene.say("Nothing was changed: 0 write requests reached the cloud.")?;

    scene.chapter("dirsyncd sync: the second pass carries out exactly this")?;
    let second = scene.pass(parts, store).await?;
    expect("the second pass", &second, &Counts { ..with_rest_of(&expected, &second) })?;

    scene.chapter("dirsyncd sync: the third pass")?;
    let writes = theatre.writes();
    let third = scene.pass(parts, store).await?;
    if third.actions() > 0 {
        return Err(Failure::fault(format!("the third pass found something to do: {}", third.words())));
    }
    unchanged("the third pass", writes, theatre.writes())?;
    scene
        .say("Nothing to do: 0 write requests reached the cloud. Who is withheld or waits is told again.")?;

    scene.chapter("What the cloud holds now")?;
    let lines = compare(theatre, company, 2)?;
    scene.say(&lines)?;
    scene.say(
        "Directory and cloud agree. Next: `dirsyncd check` and `dirsyncd plan` against your own directory\n\
         (README.md), with a sandbox (`dirsyncd sandbox`) or the real organization.",
    )
}

/// The counts that the story does not fix, as they were.
fn some(seen: &Counts) -> Counts {
    Counts {
        in_sync: seen.in_sync,
        stray: seen.stray,
        short: seen.short,
        contested: seen.contested,
        manager_missing: seen.manager_missing,
        ..Counts::default()
    }
}

fn with_rest_of(expected: &Counts, seen: &Counts) -> Counts {
    Counts {
        in_sync: seen.in_sync,
        stray: seen.stray,
        short: seen.short,
        contested: seen.contested,
        manager_missing: seen.manager_missing,
        ..expected.clone()
    }
}

fn expect(what: &str, seen: &Counts, expected: &Counts) -> Result<(), Failure> {
    if seen == expected {
        return Ok(());
    }
    Err(Failure::fault(format!(
        "{what} is not what the story says.\n  expected: {}\n  but was:  {}",
        expected.words(),
        seen.words()
    )))
}

fn unchanged(what: &str, before: u64, after: u64) -> Result<(), Failure> {
    if before == after {
        return Ok(());
    }
    Err(Failure::fault(format!(
        "{what} sent {} write requests, where there was nothing to write",
        after - before
    )))
}

/// Holds what the cloud has against what the company wants.
fn compare(theatre: &Theatre, company: &Company, short: u64) -> Result<String, Failure> {
    let held = theatre.held();
    let mut lines = Vec::new();
    for (name, wanted) in company.wanted() {
        let waiting = if name == company::MEETINGS { short } else { 0 };
        // Somebody without an address, by mistake, keeps what was there.
        let kept = u64::from(name == company::MESSAGING && short > 0);
        let twins = if name == company::MESSAGING && short > 0 { 2 } else { 0 };
        let expected = wanted + kept - waiting - twins;
        let held = held.get(name).copied().unwrap_or(0);
        if held != expected {
            return Err(Failure::fault(format!(
                "{held} people hold {name} in the cloud, and {expected} should"
            )));
        }
        lines.push(format!("{held:>6}  {name}"));
    }
    lines.insert(0, format!("{:>6}  accounts: ours, the administrator's, and one stray", theatre.accounts()));
    Ok(lines.join("\n"))
}
