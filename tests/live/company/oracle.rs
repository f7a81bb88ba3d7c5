//! What must become of everybody, worked out the naive way from the manual (docs/RULES.md,
//! docs/MAPPING.md) and from what the company knows about itself. Nothing of the program is used.

use std::collections::{BTreeMap, BTreeSet};

use super::people::{Company, Person, UNITS};
use super::queue::Grade;
use super::writing::Kind;

/// A licence of the organization, by its place here.
pub(crate) type Lic = usize;

pub(crate) const MESSAGES_EAST: Lic = 0;
pub(crate) const MESSAGES_WEST: Lic = 1;
pub(crate) const HOST_EAST: Lic = 2;
pub(crate) const HOST_WEST: Lic = 3;
pub(crate) const SPACES: Lic = 4;
pub(crate) const PROFESSIONAL: Lic = 5;
pub(crate) const STANDARD: Lic = 6;
pub(crate) const CONSOLE: Lic = 7;
pub(crate) const CENTRE_PREMIUM: Lic = 8;
pub(crate) const CENTRE_STANDARD: Lic = 9;
pub(crate) const AWARE: Lic = 10;
pub(crate) const CONNECT: Lic = 11;
pub(crate) const LICENSES: usize = 12;

/// The rules that give licences, in their order, by the names in the configuration.
pub(crate) const RULES: [&str; 14] = [
    "board",
    "reception",
    "leads call",
    "phones",
    "hosts west",
    "centre leads",
    "centre",
    "connect",
    "aware",
    "east",
    "west",
    "division 2",
    "spaces",
    "attendees",
];

/// What the rules make of one person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Not in: gone, disabled or out of the scope.
    Out,
    Withheld(&'static str),
    /// Withheld for the address; and the rules have something to say about a licence, too.
    WithheldAndLacking(&'static str),
    In(Box<Wanted>),
}

impl Verdict {
    fn is_withheld(&self) -> bool {
        matches!(self, Self::Withheld(_) | Self::WithheldAndLacking(_))
    }
}

/// What somebody should have.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Wanted {
    pub(crate) email: String,
    pub(crate) fields: BTreeMap<String, String>,
    /// With the rule that gives it.
    pub(crate) licenses: BTreeMap<Lic, usize>,
    /// Not given because another rule gives what excludes it.
    pub(crate) excluded: BTreeSet<Lic>,
    /// Not given because something is missing.
    pub(crate) lacking: BTreeSet<Lic>,
    pub(crate) attends: bool,
    pub(crate) roles: BTreeSet<&'static str>,
    pub(crate) alias_withheld: bool,
}

/// An account as it should be.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Account {
    pub(crate) active: bool,
    pub(crate) email: String,
    pub(crate) fields: BTreeMap<String, String>,
    pub(crate) licenses: BTreeSet<Lic>,
    pub(crate) attends: bool,
    pub(crate) roles: BTreeSet<&'static str>,
    /// Place and extension, with a licence for calling.
    pub(crate) calling: Option<(String, String)>,
}

/// The organization as it should be, between two passes.
#[derive(Clone, Debug, Default)]
pub(crate) struct Organization {
    /// By the number of the person.
    pub(crate) accounts: BTreeMap<usize, Account>,
    /// Who waits, and at which place.
    pub(crate) waiting: BTreeMap<(Lic, usize), Place>,
    pub(crate) passes: u32,
}

/// A place in the order of a queue: rule, attribute, since which pass, age of the entry, anchor.
pub(crate) type Place = (usize, Grade, u32, i64, String);

/// What a pass must say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Said {
    pub(crate) withheld: BTreeSet<(usize, &'static str)>,
    /// Licence, person, rule: the queues, each in its order.
    pub(crate) queues: BTreeMap<Lic, Vec<(usize, usize)>>,
    pub(crate) seats: BTreeMap<Lic, Seats>,
    pub(crate) not_given: BTreeSet<(usize, Lic)>,
}

/// The account of the seats of one licence.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Seats {
    pub(crate) total: u64,
    /// After the pass.
    pub(crate) consumed: u64,
    pub(crate) freed: u64,
    pub(crate) given: u64,
    pub(crate) demand: u64,
    pub(crate) short: u64,
    pub(crate) waiting: u64,
}

/// Who is in which group, directly, through others, or because it is the primary one.
pub(crate) fn members(company: &Company) -> Vec<BTreeSet<usize>> {
    let mut members: Vec<BTreeSet<usize>> = company.groups.iter().map(|group| group.people.clone()).collect();
    for person in &company.people {
        if let Some(group) = person.primary {
            members[group].insert(person.n);
        }
    }
    loop {
        let before: usize = members.iter().map(BTreeSet::len).sum();
        for (at, group) in company.groups.iter().enumerate() {
            for inner in &group.groups {
                let more = members[*inner].clone();
                members[at].extend(more);
            }
        }
        if members.iter().map(BTreeSet::len).sum::<usize>() == before {
            return members;
        }
    }
}

/// Licences that nobody has together.
fn exclude(one: Lic, other: Lic) -> bool {
    let sets: [&[Lic]; 3] =
        [&[PROFESSIONAL, STANDARD], &[STANDARD, CONSOLE], &[CENTRE_PREMIUM, CENTRE_STANDARD]];
    one != other && sets.iter().any(|set| set.contains(&one) && set.contains(&other))
}

fn calls(licenses: &BTreeSet<Lic>) -> bool {
    licenses.contains(&PROFESSIONAL) || licenses.contains(&STANDARD)
}

/// The company as the rules see it.
pub(crate) struct Rules<'c> {
    company: &'c Company,
    kind: Kind,
    members: Vec<BTreeSet<usize>>,
    first_match: bool,
}

impl<'c> Rules<'c> {
    pub(crate) fn new(company: &'c Company, kind: Kind, first_match: bool) -> Self {
        Self { company, kind, members: members(company), first_match }
    }

    fn within(&self, person: &Person, group: &str) -> bool {
        self.members[self.company.group(group)].contains(&person.n)
    }

    /// Whether somebody is in the scope and may log in.
    fn present(&self, person: &Person) -> bool {
        !person.gone
            && !person.disabled
            && person.class != "contractor"
            && UNITS[person.unit].1 != "Service"
            && (self.within(person, "company") || self.within(person, "visitors"))
            && !self.within(person, "blocked")
    }

    /// What the rules for somebody offer: rule, licences, whether to attend.
    fn offers(&self, person: &Person) -> Vec<(usize, Vec<Lic>, bool)> {
        let title = person.title.as_deref().unwrap_or("").to_lowercase();
        let department = person.department.unwrap_or("").to_lowercase();
        let outer = UNITS[person.unit].1;
        let hits: [(bool, &[Lic]); 14] = [
            (self.within(person, "board"), &[MESSAGES_EAST, HOST_EAST]),
            (self.within(person, "reception"), &[PROFESSIONAL, CONSOLE]),
            (self.within(person, "phones") && title.starts_with("lead"), &[PROFESSIONAL]),
            (self.within(person, "phones"), &[STANDARD]),
            (outer == "West" && title.contains("manager"), &[HOST_WEST]),
            (self.within(person, "cc-leads"), &[CENTRE_PREMIUM]),
            (self.within(person, "contact-centre"), &[CENTRE_STANDARD]),
            (self.within(person, "region-1"), &[CONNECT]),
            (self.within(person, "region-1") && department != "legal" && department != "audit", &[AWARE]),
            (outer == "East", &[MESSAGES_EAST]),
            (outer == "West", &[MESSAGES_WEST]),
            (self.within(person, "division-2"), &[MESSAGES_WEST]),
            (department != "kitchen", &[SPACES]),
            (true, &[]),
        ];
        let mut offers: Vec<_> = hits
            .iter()
            .enumerate()
            .filter(|(_, (hit, _))| *hit)
            .map(|(rule, (_, licenses))| (rule, licenses.to_vec(), rule == 13))
            .collect();
        if self.first_match {
            offers.truncate(1);
        }
        offers
    }

    /// Of all offers what goes together.
    fn award(&self, person: &Person, wanted: &mut Wanted) {
        for (rule, licenses, attendee) in self.offers(person) {
            for license in licenses {
                if wanted.licenses.contains_key(&license) {
                    continue;
                }
                if wanted.licenses.keys().any(|other| exclude(*other, license)) {
                    wanted.excluded.insert(license);
                } else {
                    wanted.licenses.insert(license, rule);
                }
            }
            wanted.attends |= attendee && !wanted.licenses.contains_key(&HOST_EAST);
        }
        for (license, need) in [(CONSOLE, PROFESSIONAL), (CONNECT, AWARE)] {
            if wanted.licenses.contains_key(&license) && !wanted.licenses.contains_key(&need) {
                wanted.licenses.remove(&license);
                wanted.lacking.insert(license);
            }
        }
    }

    /// What is wrong with the address or a value.
    fn fault(&self, person: &Person, wanted: &Wanted) -> Option<&'static str> {
        let Some(mail) = &person.mail else { return Some("no_email") };
        let Some((_, domain)) = mail.split_once('@') else { return Some("bad_email") };
        if domain.to_lowercase() != "example.test" {
            return Some("foreign_domain");
        }
        if person.note.as_ref().is_some_and(|note| note.chars().count() > 256) {
            return Some("too_long");
        }
        if person.mobile.as_ref().is_some_and(|mobile| !mobile.contains(|c: char| c.is_ascii_digit())) {
            return Some("unusable");
        }
        let bad =
            |name: &str| name.chars().count() > 30 || name.contains(['%', '#', '<', '>', '\\', '/', '"']);
        let called = wanted.licenses.contains_key(&PROFESSIONAL) || wanted.licenses.contains_key(&STANDARD);
        (called && (bad(&person.given) || bad(&person.family))).then_some("calling_name")
    }

    fn fields(&self, person: &Person) -> BTreeMap<String, String> {
        let mut fields = BTreeMap::new();
        let mut put = |name: &str, value: Option<String>| {
            if let Some(value) = value {
                fields.insert(name.to_owned(), value);
            }
        };
        let text = |value: Option<&str>| value.map(str::to_owned);
        put("name.givenName", Some(person.given.clone()));
        put("name.familyName", Some(person.family.clone()));
        put("displayName", Some(format!("{}, {}", person.family.to_uppercase(), person.given)));
        put("nickName", Some(person.plain.clone()));
        put("title", person.title.clone());
        put("department", text(person.department));
        put("costCenter", person.note.clone());
        put("employeeNumber", Some(person.n.to_string()));
        put("phoneNumbers[work]", person.phone.and_then(|phone| phone.meant()));
        put("phoneNumbers[mobile]", person.mobile.clone());
        put("preferredLanguage", person.language.and_then(|(_, meant)| text(meant)));
        put("addresses[work].locality", text(person.city));
        let country = person.country.filter(|_| self.kind == Kind::Samba);
        put("addresses[work].country", text(country));
        let (inner, outer) = UNITS[person.unit];
        put(
            "extensionAttribute1",
            Some(match inner {
                "Works" => "W1".into(),
                "Yard" => "Y1".into(),
                _ => outer.to_owned(),
            }),
        );
        let (one, two) = (self.within(person, "region-1"), self.within(person, "region-2"));
        let regions = if one && two {
            "both"
        } else if one {
            "one"
        } else {
            person.class
        };
        put("extensionAttribute2", Some(regions.into()));
        put("extensionAttribute3", Some(format!("{:06}", person.n)));
        fields
    }

    fn roles(&self, person: &Person) -> BTreeSet<&'static str> {
        let mut roles = BTreeSet::new();
        if self.within(person, "division-3") {
            return roles;
        }
        if self.within(person, "auditors") {
            roles.insert("id_readonly_admin");
        }
        if self.within(person, "helpdesk") {
            roles.insert("id_user_admin");
        }
        roles
    }

    /// What should become of everybody, before seats are looked at. `accounts`: who has which address.
    pub(crate) fn verdicts(&self, organization: &Organization) -> Vec<Verdict> {
        let mut verdicts: Vec<Verdict> =
            self.company.people.iter().map(|person| self.alone(person)).collect();
        self.collide(&mut verdicts, organization);
        self.collide_aliases(&mut verdicts, organization);
        self.telephones(&mut verdicts, organization);
        verdicts
    }

    /// What the record of somebody alone says.
    fn alone(&self, person: &Person) -> Verdict {
        if !self.present(person) {
            return Verdict::Out;
        }
        let mut wanted = Wanted::default();
        self.award(person, &mut wanted);
        if let Some(code) = self.fault(person, &wanted) {
            return Verdict::Withheld(code);
        }
        wanted.email = person.mail.clone().expect("checked");
        wanted.fields = self.fields(person);
        wanted.roles = self.roles(person);
        Verdict::In(Box::new(wanted))
    }

    /// Of several with one address whoever has it goes on.
    fn collide(&self, verdicts: &mut [Verdict], organization: &Organization) {
        let mut claims: BTreeMap<String, Vec<usize>> = BTreeMap::new();
        for (n, verdict) in verdicts.iter().enumerate() {
            if let Verdict::In(wanted) = verdict {
                claims.entry(wanted.email.to_lowercase()).or_default().push(n);
            }
        }
        let address = |(n, account): (&usize, &Account)| (account.email.to_lowercase(), *n);
        let holders: BTreeMap<String, usize> = organization.accounts.iter().map(address).collect();
        for (address, claimants) in &claims {
            let holder = holders.get(address).copied();
            for n in claimants {
                if holder == Some(*n) {
                    continue;
                }
                // Whoever is about to give it up does not hold it.
                let keeps = |n: usize| match &verdicts[n] {
                    Verdict::In(theirs) => theirs.email.to_lowercase() == *address,
                    Verdict::Withheld(_) | Verdict::WithheldAndLacking(_) => true,
                    Verdict::Out => false,
                };
                let code = match holder {
                    Some(holder) if verdicts[holder] == Verdict::Out => Some("address_of_leaver"),
                    Some(holder) if keeps(holder) => Some("duplicate_email"),
                    _ if claimants.len() > 1 => Some("duplicate_email"),
                    _ => None,
                };
                if let Some(code) = code {
                    let mended = |wanted: &Wanted| wanted.lacking.is_empty();
                    let twice = matches!(&verdicts[*n], Verdict::In(wanted) if !mended(wanted));
                    verdicts[*n] =
                        if twice { Verdict::WithheldAndLacking(code) } else { Verdict::Withheld(code) };
                }
            }
        }
    }

    /// An alternate address that is somebody's user name, or that several claim, is left out.
    fn collide_aliases(&self, verdicts: &mut [Verdict], organization: &Organization) {
        let names: BTreeSet<String> = verdicts
            .iter()
            .filter_map(|verdict| match verdict {
                Verdict::In(wanted) => Some(wanted.email.to_lowercase()),
                _ => None,
            })
            .chain(organization.accounts.values().map(|account| account.email.to_lowercase()))
            .collect();
        let claims = |address: &str| {
            let claim = |person: &&Person| {
                person.alias.as_deref() == Some(address) && matches!(verdicts[person.n], Verdict::In(_))
            };
            self.company.people.iter().filter(claim).count()
        };
        let aliased: Vec<(usize, String, bool)> = self
            .company
            .people
            .iter()
            .filter_map(|person| {
                let alias = person.alias.clone()?;
                let has = organization
                    .accounts
                    .get(&person.n)
                    .is_some_and(|account| account.fields.get("emails[alias 1]") == Some(&alias));
                let theirs = names.contains(&alias.to_lowercase());
                let withheld = theirs || claims(&alias) > 1 && !has;
                Some((person.n, alias, withheld))
            })
            .collect();
        for (n, alias, withheld) in aliased {
            let Verdict::In(wanted) = &mut verdicts[n] else { continue };
            wanted.alias_withheld = withheld;
            if !withheld {
                wanted.fields.insert("emails[alias 1]".into(), alias);
            }
        }
    }

    /// Without a place and an extension that nobody has, nobody is called; nor is anybody of several
    /// who claim one.
    fn telephones(&self, verdicts: &mut [Verdict], organization: &Organization) {
        let used: BTreeSet<&(String, String)> =
            organization.accounts.values().filter_map(|account| account.calling.as_ref()).collect();
        let has = |n: &usize| organization.accounts.get(n).is_some_and(|account| calls(&account.licenses));
        let mut claims: BTreeMap<(String, String), u64> = BTreeMap::new();
        for person in &self.company.people {
            let Verdict::In(wanted) = &verdicts[person.n] else { continue };
            let called = [PROFESSIONAL, STANDARD].iter().any(|license| wanted.licenses.contains_key(license));
            if let Some(telephone) = telephone(person).filter(|_| called && !has(&person.n)) {
                *claims.entry(telephone).or_default() += 1;
            }
        }
        for person in &self.company.people {
            let Verdict::In(wanted) = &mut verdicts[person.n] else { continue };
            if has(&person.n) {
                continue;
            }
            if telephone(person).is_none_or(|telephone| {
                used.contains(&telephone) || claims.get(&telephone).is_some_and(|claims| *claims > 1)
            }) {
                wanted.uncalled();
            }
        }
    }
}

/// Where somebody can be called.
fn telephone(person: &Person) -> Option<(String, String)> {
    let place = person.place.filter(|place| *place != "Nowhere")?;
    Some((place.to_owned(), person.extension.clone()?))
}

impl Wanted {
    /// No telephone, and nothing that is of no use without one.
    fn uncalled(&mut self) {
        for license in [PROFESSIONAL, STANDARD] {
            if self.licenses.remove(&license).is_some() {
                self.lacking.insert(license);
                self.licenses.remove(&CONSOLE);
            }
        }
    }
}

impl Organization {
    /// What a pass makes of the organization, and what it says. `totals`: the seats bought;
    /// `strangers`: those in use by accounts that are not ours.
    pub(crate) fn pass(
        &mut self,
        rules: &Rules<'_>,
        totals: &[Option<u64>; LICENSES],
        strangers: &[u64; LICENSES],
    ) -> Said {
        self.passes += 1;
        let company = rules.company;
        let verdicts = rules.verdicts(self);
        let mut said = Said::default();
        let mut consumed = *strangers;
        for account in self.accounts.values() {
            for license in &account.licenses {
                consumed[*license] += 1;
            }
        }
        let (mut freed, mut swaps) = ([0; LICENSES], BTreeMap::new());
        let mut asking: [Vec<usize>; LICENSES] = Default::default();
        for person in &company.people {
            let n = person.n;
            let account = self.accounts.entry(n).or_default().clone();
            match &verdicts[n] {
                Verdict::Withheld(_) | Verdict::WithheldAndLacking(_) => {}
                Verdict::Out => {
                    let known = self.accounts.get_mut(&n).expect("just made");
                    for license in std::mem::take(&mut known.licenses) {
                        freed[license] += 1;
                    }
                    (known.active, known.attends, known.calling) = (false, false, None);
                    if account.calling.is_some() {
                        known.fields.remove("phoneNumbers[work_extension]");
                    }
                    known.roles.clear();
                }
                Verdict::In(wanted) => {
                    let known = self.accounts.get_mut(&n).expect("just made");
                    let mut ask: Vec<Lic> = wanted
                        .licenses
                        .keys()
                        .copied()
                        .filter(|one| !account.licenses.contains(one))
                        .collect();
                    for license in &account.licenses {
                        // A telephone that somebody has stays, whatever becomes of the record.
                        if wanted.licenses.contains_key(license) {
                            continue;
                        }
                        if *license == PROFESSIONAL && ask.contains(&STANDARD) {
                            // Nobody makes the small one of the large one.
                            ask.retain(|one| *one != STANDARD);
                        } else if let Some(new) = ask.iter().find(|new| exclude(**new, *license)) {
                            swaps.insert((n, *new), *license);
                        } else {
                            known.licenses.remove(license);
                            freed[*license] += 1;
                        }
                    }
                    for license in ask {
                        asking[license].push(n);
                    }
                }
            }
        }
        let mut served: [BTreeSet<usize>; LICENSES] = Default::default();
        let mut free = freed;
        for round in 0..3 {
            // Seats of what is exchanged are free when everybody who asks for the new one is served.
            free = freed;
            for ((_, new), old) in &swaps {
                if round > 0 && served[*new].len() == asking[*new].len() {
                    free[*old] += 1;
                }
            }
            for license in 0..LICENSES {
                asking[license].sort_by_key(|n| self.place(license, &company.people[*n], &verdicts));
                let seats = totals[license]
                    .map_or(u64::MAX, |total| (total + free[license]).saturating_sub(consumed[license]));
                // Whoever waits for the telephone waits for the console, too.
                let has = |n: &usize| {
                    license != CONSOLE
                        || served[PROFESSIONAL].contains(n)
                        || self.accounts[n].licenses.contains(&PROFESSIONAL)
                };
                let some = usize::try_from(seats).unwrap_or(usize::MAX);
                served[license] = asking[license].iter().copied().filter(has).take(some).collect();
            }
        }
        let mut places = BTreeMap::new();
        for license in 0..LICENSES {
            let given = &served[license];
            let mut after = consumed[license] - freed[license] + given.len() as u64;
            for n in given {
                let account = self.accounts.get_mut(n).expect("everybody has one here");
                account.licenses.insert(license);
            }
            for ((n, new), old) in &swaps {
                if *old == license && served[*new].contains(n) {
                    after -= 1;
                    self.accounts.get_mut(n).expect("everybody has one here").licenses.remove(old);
                }
            }
            // Whoever is withheld keeps the place.
            let mut queue: Vec<(Place, usize)> = self
                .waiting
                .iter()
                .filter(|((other, n), _)| *other == license && verdicts[*n].is_withheld())
                .map(|((_, n), place)| (place.clone(), *n))
                .collect();
            let unserved = asking[license].iter().filter(|n| !given.contains(n));
            queue.extend(unserved.map(|n| (self.place(license, &company.people[*n], &verdicts), *n)));
            queue.sort();
            let waiting: Vec<(usize, usize)> = queue.iter().map(|(place, n)| (*n, place.0)).collect();
            places.extend(queue.into_iter().map(|(place, n)| ((license, n), place)));
            if let Some(total) = totals[license] {
                let demand = consumed[license] - free[license] + asking[license].len() as u64;
                said.seats.insert(
                    license,
                    Seats {
                        total,
                        consumed: after,
                        freed: free[license],
                        given: given.len() as u64,
                        demand,
                        short: demand.saturating_sub(total),
                        waiting: waiting.len() as u64,
                    },
                );
            }
            if !waiting.is_empty() {
                said.queues.insert(license, waiting);
            }
        }
        for (n, verdict) in verdicts.iter().enumerate() {
            match verdict {
                Verdict::Withheld(code) => {
                    said.withheld.insert((n, code));
                }
                Verdict::WithheldAndLacking(code) => {
                    said.withheld.extend([(n, *code), (n, "license_not_given")]);
                }
                Verdict::In(wanted) => {
                    if !wanted.lacking.is_empty() {
                        said.withheld.insert((n, "license_not_given"));
                    }
                    if wanted.alias_withheld {
                        said.withheld.insert((n, "duplicate_alias"));
                    }
                    said.not_given.extend(wanted.excluded.iter().map(|license| (n, *license)));
                }
                Verdict::Out => {}
            }
        }
        self.waiting = places;
        self.write(rules, &verdicts);
        said
    }

    /// Where somebody stands in the order.
    fn place(&self, license: Lic, person: &Person, verdicts: &[Verdict]) -> Place {
        let Verdict::In(wanted) = &verdicts[person.n] else { unreachable!("only they ask") };
        let since = self.waiting.get(&(license, person.n)).map_or(self.passes, |place| place.2);
        let grade = Grade::of(person.grade.as_deref());
        (wanted.licenses[&license], grade, since, person.created, person.anchor.clone())
    }

    /// Everything but seats.
    fn write(&mut self, rules: &Rules<'_>, verdicts: &[Verdict]) {
        let company = rules.company;
        for person in &company.people {
            let Verdict::In(wanted) = &verdicts[person.n] else { continue };
            let account = self.accounts.get_mut(&person.n).expect("everybody has one here");
            account.active = true;
            account.email.clone_from(&wanted.email);
            let alias = account.fields.remove("emails[alias 1]").filter(|_| wanted.alias_withheld);
            account.fields.clone_from(&wanted.fields);
            account.fields.extend(alias.map(|alias| ("emails[alias 1]".to_owned(), alias)));
            // A host who waits for a seat attends until then.
            let waits = wanted.licenses.contains_key(&HOST_EAST) && !account.licenses.contains(&HOST_EAST);
            account.attends = wanted.attends || account.attends && waits;
            account.roles.clone_from(&wanted.roles);
            if !calls(&account.licenses) {
                // The telephone takes the work number along; the next pass writes that of the directory.
                if account.calling.take().is_some() {
                    account.fields.remove("phoneNumbers[work]");
                }
            } else if account.calling.is_none() {
                let place = person.place.expect("checked");
                account.calling = Some((place.to_owned(), person.extension.clone().expect("checked")));
            }
            // The telephone owns the work number.
            if let Some((place, extension)) = &account.calling {
                let prefix = if place == "Leeds Works" { "800" } else { "810" };
                account.fields.remove("phoneNumbers[work]");
                account.fields.insert("phoneNumbers[work_extension]".into(), format!("{prefix}{extension}"));
            }
        }
        // Nobody who never came in has an account.
        self.accounts.retain(|_, account| !account.email.is_empty());
        let managers: Vec<(usize, Option<String>)> = company
            .people
            .iter()
            .filter(|person| matches!(verdicts[person.n], Verdict::In(_)))
            .map(|person| {
                // Active Directory drops a link to whoever is deleted.
                let there = |manager: &usize| rules.kind == Kind::Slapd || !company.people[*manager].gone;
                let manager = person.manager.filter(|manager| *manager != person.n).filter(there);
                (person.n, manager.and_then(|n| self.accounts.get(&n)).map(|account| account.email.clone()))
            })
            .collect();
        for (n, manager) in managers {
            if let (Some(manager), Some(account)) = (manager, self.accounts.get_mut(&n)) {
                account.fields.insert("manager".into(), manager);
            }
        }
    }
}
