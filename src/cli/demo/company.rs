//! An invented company: people, groups, and what happens to them. The same seed gives the same
//! company on every machine.

use std::collections::{BTreeMap, BTreeSet};

/// The naming context of the company.
pub const ROOT: &str = "DC=corp,DC=example,DC=com";
/// The licence that everybody gets.
pub const MESSAGING: &str = "Advanced Messaging";
/// The licence of the group of hosts, of which there are few seats.
pub const MEETINGS: &str = "Webex Meetings Suite";
/// The licence of one department.
pub const SPACES: &str = "Advanced Space Meetings";
/// The department that gets it.
pub const RESEARCH: &str = "Research";

const SALES: &str = "Sales";
const DEPARTMENTS: &[(&str, &[&str])] = &[
    (SALES, &["Account Manager", "Sales Engineer", "Regional Lead"]),
    (RESEARCH, &["Scientist", "Lab Engineer", "Principal Scientist"]),
    ("Operations", &["Planner", "Shift Lead", "Logistics Specialist"]),
    ("Finance", &["Controller", "Accountant", "Payroll Specialist"]),
    ("People", &["Recruiter", "Trainer", "People Partner"]),
    ("IT", &["Administrator", "Developer", "Service Desk Analyst"]),
];
pub(super) const CITIES: &[(&str, &str, &str)] =
    &[("Leeds", "GB", "+44 113 496"), ("Ghent", "BE", "+32 9 555"), ("Zürich", "CH", "+41 44 555")];
const FIRST: &[&str] = &[
    "Ada", "Amir", "Bea", "Boris", "Carla", "Chen", "Dana", "Dmitri", "Elif", "Emil", "Fatou", "Felix",
    "Gita", "Goran", "Hana", "Hugo", "Ines", "Ivan", "Jana", "Joel", "Kaja", "Kofi", "Lena", "Luca", "Mara",
    "Milo", "Nadia", "Noor", "Olga", "Oskar", "Petra", "Rafael", "Rosa", "Samir", "Tara", "Tomas", "Uma",
    "Viktor", "Yara", "Zoë",
];
const LAST: &[&str] = &[
    "Abbott",
    "Almeida",
    "Bauer",
    "Berg",
    "Castell",
    "Corvin",
    "Dahl",
    "Dubois",
    "Eriksen",
    "Evans",
    "Fontaine",
    "Fujita",
    "Grant",
    "Haddad",
    "Holm",
    "Ibarra",
    "Jansen",
    "Jovanović",
    "Keller",
    "Kowalski",
    "Laurent",
    "Lindqvist",
    "Marsh",
    "Moreau",
    "Müller",
    "Nakata",
    "Novak",
    "Okoro",
    "Orlov",
    "Park",
    "Petit",
    "Quill",
    "Rossi",
    "Sato",
    "Silva",
    "Tanaka",
    "Urban",
    "Vance",
    "Weiss",
    "Yilmaz",
    "Zeman",
];

/// Somebody.
#[derive(Clone, Debug)]
pub struct Employee {
    pub(super) guid: [u8; 16],
    pub(super) login: String,
    pub(super) given: String,
    pub(super) family: String,
    pub(super) mail: Option<String>,
    pub(super) title: String,
    pub(super) department: &'static str,
    pub(super) city: usize,
    pub(super) number: u32,
    pub(super) manager: Option<usize>,
    pub(super) disabled: bool,
    pub(super) gone: bool,
}

impl Employee {
    pub(super) fn dn(&self) -> String {
        format!("CN={} {} ({}),OU={},OU=Staff,{ROOT}", self.given, self.family, self.login, self.department)
    }

    /// Given and family name.
    pub fn name(&self) -> String {
        format!("{} {}", self.given, self.family)
    }

    fn is_wanted(&self) -> bool {
        self.mail.is_some() && !self.disabled && !self.gone
    }
}

/// The company.
#[derive(Clone, Debug)]
pub struct Company {
    pub(super) people: Vec<Employee>,
    /// Members of the group of hosts, and of the group that is in it.
    pub(super) hosts: BTreeSet<usize>,
    pub(super) nested: BTreeSet<usize>,
    dice: Dice,
}

/// SplitMix64: a few lines that give the same numbers everywhere.
#[derive(Clone, Debug)]
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, n: usize) -> usize {
        usize::try_from(self.next() % n.max(1) as u64).unwrap_or(0)
    }

    fn guid(&mut self) -> [u8; 16] {
        let mut bytes = [0; 16];
        bytes[..8].copy_from_slice(&self.next().to_le_bytes());
        bytes[8..].copy_from_slice(&self.next().to_le_bytes());
        bytes
    }
}

impl Company {
    /// Founds a company. One of its people has no e-mail address.
    pub fn found(people: usize, seed: u64) -> Self {
        let mut company = Self {
            people: Vec::with_capacity(people + 3),
            hosts: BTreeSet::new(),
            nested: BTreeSet::new(),
            dice: Dice(seed),
        };
        for at in 0..people {
            let (department, titles) = DEPARTMENTS[at % DEPARTMENTS.len()];
            let title = titles[company.dice.below(titles.len())];
            company.hire(department, title);
            // Whoever came before has somebody to report to.
            company.people[at].manager = (at >= 6).then(|| company.dice.below(at / 6));
        }
        for at in (0..people).step_by(7) {
            company.hosts.insert(at);
        }
        for at in (6..people).step_by(12) {
            company.nested.insert(at);
        }
        let loner = company.pick(|p| p.department == "Operations");
        company.people[loner].mail = None;
        company
    }

    fn hire(&mut self, department: &'static str, title: &str) -> usize {
        let given = FIRST[self.dice.below(FIRST.len())];
        let family = LAST[self.dice.below(LAST.len())];
        let at = self.people.len();
        let login = format!("e{:05}", 10_000 + at);
        let mut mail = address(given, family, "");
        if self.people.iter().any(|other| other.mail.as_ref() == Some(&mail)) {
            mail = address(given, family, &(10_000 + at).to_string());
        }
        let guid = self.dice.guid();
        self.people.push(Employee {
            guid,
            login,
            given: given.into(),
            family: family.into(),
            mail: Some(mail),
            title: title.into(),
            department,
            city: at % CITIES.len(),
            number: 100 + u32::try_from(at).unwrap_or(0),
            manager: Some(0),
            disabled: false,
            gone: false,
        });
        at
    }

    /// Somebody who is no host, of whom nobody told yet, and who fits.
    fn pick(&mut self, fits: impl Fn(&Employee) -> bool) -> usize {
        let start = self.dice.below(self.people.len());
        let all = self.people.len();
        let free = |at: &usize| {
            let person = &self.people[*at];
            !self.hosts.contains(at) && !self.nested.contains(at) && person.is_wanted() && fits(person)
        };
        (0..all).map(|step| (start + step) % all).find(free).unwrap_or(start)
    }

    /// What happens between the first and the second pass, in sentences. Each happens to
    /// somebody else.
    pub fn live_on(&mut self) -> Vec<String> {
        let mut story = Vec::new();
        let mut used: BTreeSet<usize> = BTreeSet::new();
        let choose = |company: &mut Self, used: &mut BTreeSet<usize>, department: &'static str| {
            let taken: BTreeSet<String> = used.iter().map(|at| company.people[*at].login.clone()).collect();
            let at = company.pick(|p| p.department == department && !taken.contains(&p.login));
            used.insert(at);
            at
        };

        let at = choose(self, &mut used, "Finance");
        self.people[at].title = "Head of Treasury".into();
        story.push(format!("{} becomes Head of Treasury.", self.people[at].name()));

        let at = choose(self, &mut used, "Operations");
        let before = self.people[at].name();
        self.people[at].family = "Winterbourne".into();
        self.people[at].mail = Some(address(&self.people[at].given, "Winterbourne", ""));
        story.push(format!("{before} marries: new name, new e-mail address, new DN."));

        let at = choose(self, &mut used, SALES);
        self.people[at].department = RESEARCH;
        story.push(format!(
            "{} moves from Sales to Research, whose people get {SPACES}.",
            self.people[at].name()
        ));

        let at = choose(self, &mut used, RESEARCH);
        self.people[at].department = SALES;
        story.push(format!("{} moves from Research to Sales, and loses it.", self.people[at].name()));

        let at = self.hire("IT", "Developer");
        (self.people[at].given, self.people[at].family) = ("Nova".into(), "Newcomer".into());
        self.people[at].mail = Some(address("Nova", "Newcomer", ""));
        used.insert(at);
        story.push("Nova Newcomer joins IT.".into());

        let at = choose(self, &mut used, "People");
        self.people[at].disabled = true;
        story.push(format!("{} is disabled in the directory.", self.people[at].name()));

        let at = choose(self, &mut used, "Operations");
        self.people[at].gone = true;
        story.push(format!("{} is deleted from the directory.", self.people[at].name()));

        let at = choose(self, &mut used, "Finance");
        self.people[at].mail = None;
        story.push(format!("{} loses the e-mail address, by mistake.", self.people[at].name()));

        for _ in 0..2 {
            let at = self.hire(SALES, "Account Manager");
            (self.people[at].given, self.people[at].family) = ("Alex".into(), "Twin".into());
            self.people[at].mail = Some(address("Alex", "Twin", ""));
            used.insert(at);
        }
        story.push("Two people of the name Alex Twin are hired, with one e-mail address.".into());

        let mut names = Vec::new();
        for _ in 0..4 {
            let at = choose(self, &mut used, "IT");
            self.hosts.insert(at);
            names.push(self.people[at].name());
        }
        story.push(format!(
            "{} join the group of hosts, and 2 seats of {MEETINGS} are left.",
            names.join(", ")
        ));
        story
    }

    /// How many people and groups the directory holds.
    pub fn size(&self) -> (usize, usize) {
        (self.people.iter().filter(|person| !person.gone).count(), 2)
    }

    /// How many seats of each licence are wanted now, by name.
    pub fn wanted(&self) -> BTreeMap<&'static str, u64> {
        let count = |fits: &dyn Fn(usize, &Employee) -> bool| {
            let people = self.people.iter().enumerate();
            people.filter(|(at, person)| person.is_wanted() && fits(*at, person)).count() as u64
        };
        BTreeMap::from([
            (MESSAGING, count(&|_, _| true)),
            (MEETINGS, count(&|at, _| self.hosts.contains(&at) || self.nested.contains(&at))),
            (SPACES, count(&|_, person| person.department == RESEARCH)),
        ])
    }
}

fn address(given: &str, family: &str, more: &str) -> String {
    let plain = |text: &str| -> String {
        text.to_lowercase()
            .chars()
            .map(|c| match c {
                'ë' => 'e',
                'ü' => 'u',
                'ć' => 'c',
                c => c,
            })
            .collect()
    };
    format!("{}.{}{more}@example.com", plain(given), plain(family))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_company_is_the_same_every_time_and_another_with_another_seed() {
        let ldif = |seed| super::super::export::ldif(&Company::found(60, seed));
        assert_eq!(ldif(1), ldif(1));
        assert_ne!(ldif(1), ldif(2));
    }

    #[test]
    fn what_happens_happens_to_different_people() {
        for (people, seed) in [(30, 1), (60, 2), (300, 1), (300, 7)] {
            let mut company = Company::found(people, seed);
            let before = company.clone();
            company.live_on();
            let changed = |at: &usize| {
                let (a, b) = (&before.people[*at], &company.people[*at]);
                a.dn() != b.dn()
                    || a.mail != b.mail
                    || a.title != b.title
                    || a.disabled != b.disabled
                    || a.gone != b.gone
            };
            assert_eq!((0..people).filter(changed).count(), 7, "{people} {seed}");
            assert_eq!(company.hosts.len() - before.hosts.len(), 4, "{people} {seed}");
            assert_eq!(company.people.len(), people + 3);
        }
    }

    #[test]
    fn addresses_are_unique_before_anything_happens() {
        let company = Company::found(3000, 1);
        let all: Vec<_> = company.people.iter().filter_map(|person| person.mail.as_ref()).collect();
        let unique: BTreeSet<_> = all.iter().collect();
        assert_eq!(all.len(), unique.len());
        assert_eq!(all.len(), 2999);
    }
}
