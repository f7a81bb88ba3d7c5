//! An invented company of 5,000 people in 40 groups: who they are, and what is wrong with some of
//! them. The same every time, and without a thought about what becomes of them in the cloud.

use std::collections::BTreeSet;

use super::chance::Chance;

/// How many there are at first.
pub(crate) const PEOPLE: usize = 5_000;

/// A person of the company.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Person {
    pub(crate) n: usize,
    /// The id that the directory keeps, as text.
    pub(crate) anchor: String,
    /// When the entry was made, in seconds since 1970.
    pub(crate) created: i64,
    pub(crate) given: String,
    /// The given name without accents.
    pub(crate) plain: String,
    pub(crate) family: String,
    pub(crate) unit: usize,
    /// `staff`, `agency` or `contractor`.
    pub(crate) class: &'static str,
    pub(crate) department: Option<&'static str>,
    pub(crate) title: Option<String>,
    pub(crate) city: Option<&'static str>,
    /// Only Active Directory keeps it.
    pub(crate) country: Option<&'static str>,
    pub(crate) grade: Option<String>,
    pub(crate) mail: Option<String>,
    pub(crate) alias: Option<String>,
    pub(crate) phone: Option<Phone>,
    pub(crate) mobile: Option<String>,
    pub(crate) note: Option<String>,
    pub(crate) language: Option<Language>,
    pub(crate) extension: Option<String>,
    pub(crate) place: Option<&'static str>,
    pub(crate) manager: Option<usize>,
    pub(crate) disabled: bool,
    pub(crate) gone: bool,
    /// The group that is the primary one, which lists nobody, where the directory has that.
    pub(crate) primary: Option<usize>,
}

/// A telephone number as somebody typed it, and what is meant: nothing for a few digits.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Phone {
    pub(crate) style: usize,
    pub(crate) digits: u32,
}

impl Phone {
    /// As it stands in the directory.
    pub(crate) fn typed(self) -> String {
        let (area, rest) = (self.digits / 10_000, self.digits % 10_000);
        match self.style {
            0 => format!("+44 20 {area} {rest:04}"),
            1 => format!("(020) {area}-{rest:04}"),
            2 => format!("0044 20 {area} {rest:04} ext. 12"),
            3 => format!("+44 (0)20 {area}.{rest:04}"),
            _ => format!("{}", rest % 1000),
        }
    }

    /// The whole number, when there is one.
    pub(crate) fn meant(self) -> Option<String> {
        (self.style < 4).then(|| format!("+4420{:08}", self.digits))
    }
}

/// A language as it was typed, and what is meant.
pub(crate) type Language = (&'static str, Option<&'static str>);

/// A group: people and groups that are listed in it.
#[derive(Clone, Debug)]
pub(crate) struct Group {
    pub(crate) name: &'static str,
    pub(crate) anchor: String,
    pub(crate) people: BTreeSet<usize>,
    pub(crate) groups: BTreeSet<usize>,
}

/// Where people stand: the unit and the one above it.
pub(crate) const UNITS: [(&str, &str); 9] = [
    ("Works", "East"),
    ("Yard", "East"),
    ("Lab", "East"),
    ("Dock", "East"),
    ("Office", "West"),
    ("Shop", "West"),
    ("Studio", "West"),
    ("Bots", "Service"),
    ("Guests", "Service"),
];

const NAMES: [&str; 40] = [
    "company",
    "region-1",
    "region-2",
    "region-3",
    "division-1",
    "division-2",
    "division-3",
    "division-4",
    "division-5",
    "division-6",
    "team-01",
    "team-02",
    "team-03",
    "team-04",
    "team-05",
    "team-06",
    "team-07",
    "team-08",
    "team-09",
    "team-10",
    "team-11",
    "team-12",
    "team-13",
    "team-14",
    "loop-a",
    "loop-b",
    "board",
    "executives",
    "reception",
    "phones",
    "phones-shared",
    "cc-leads",
    "contact-centre",
    "blocked",
    "blocked-inner",
    "helpdesk",
    "helpdesk-night",
    "auditors",
    "visitors",
    "Überhang",
];

/// Groups within groups: regions share divisions and teams, and `loop-a` and `loop-b` hold each other.
const NESTING: [(&str, &[&str]); 20] = [
    ("company", &["region-1", "region-2", "region-3"]),
    ("region-1", &["division-1", "division-2"]),
    ("region-2", &["division-2", "division-3", "division-4"]),
    ("region-3", &["division-5", "division-6", "loop-a"]),
    ("division-1", &["team-01", "team-02", "team-03"]),
    ("division-2", &["team-03", "team-04"]),
    ("division-3", &["team-05", "team-06", "team-07"]),
    ("division-4", &["team-07", "team-08", "Überhang"]),
    ("division-5", &["team-09", "team-10"]),
    ("division-6", &["team-10", "team-11", "team-12"]),
    ("team-12", &["team-13"]),
    ("team-13", &["team-14"]),
    ("loop-a", &["loop-b"]),
    ("loop-b", &["loop-a", "team-01"]),
    ("board", &["executives"]),
    ("phones", &["phones-shared", "reception", "team-09"]),
    ("contact-centre", &["cc-leads", "team-11"]),
    ("blocked", &["blocked-inner"]),
    ("helpdesk", &["helpdesk-night"]),
    ("helpdesk-night", &["auditors"]),
];

const GIVEN: [(&str, &str); 16] = [
    ("Ann", "Ann"),
    ("Zoë", "Zoe"),
    ("José", "Jose"),
    ("Łukasz", "Lukasz"),
    ("Søren", "Soren"),
    ("Günther", "Gunther"),
    ("Maya", "Maya"),
    ("Ivy", "Ivy"),
    ("Tom", "Tom"),
    ("Renée", "Renee"),
    ("Bob", "Bob"),
    ("Åsa", "Asa"),
    ("Nils", "Nils"),
    ("Eva Maria", "Eva Maria"),
    ("Ida", "Ida"),
    ("Çelik", "Celik"),
];
const FAMILY: [&str; 14] = [
    "Lee",
    "Müller-Lüdenscheid",
    "O'Hara",
    "van der Berg",
    "Nowak",
    "Smith, Jr.",
    "García",
    "Okoro",
    "Lindström",
    "Fox",
    "Oak",
    "Ray",
    "Hall",
    "Ünal",
];
const DEPARTMENTS: [&str; 8] = ["Sales", "Legal", "Audit", "Yard", "Flight", "Kitchen", "IT", "R&D"];
const TITLES: [&str; 9] = [
    "Engineer",
    "Clerk",
    "Lead Engineer",
    "Lead Clerk",
    "Shift Manager",
    "Manager",
    "Trainee",
    "Driver",
    "Éditeur",
];
const LANGUAGES: [Language; 6] = [
    ("de-CH,en;q=0.8", Some("de_CH")),
    ("en-GB", Some("en_GB")),
    ("en", Some("en_US")),
    ("fr-FR", Some("fr_FR")),
    ("English", None),
    ("pt_BR", Some("pt_BR")),
];
/// Two of them exist in the cloud.
const PLACES: [&str; 2] = ["Leeds Works", "Ghent Office"];
/// Made equal for many, so that further criteria have to decide.
const GRADES: [&str; 12] = ["1", "2", "3", "7", "007", "12", "20", "b", "A", "B", "a2", "zz"];

/// The company.
#[derive(Clone, Debug)]
pub(crate) struct Company {
    pub(crate) people: Vec<Person>,
    pub(crate) groups: Vec<Group>,
    chance: u64,
}

impl Company {
    /// The company as it is at first.
    pub(crate) fn new(seed: u64) -> Self {
        let mut dice = Chance::new(seed);
        let mut groups: Vec<Group> = NAMES
            .iter()
            .map(|name| Group {
                name,
                anchor: anchor(&mut dice),
                people: BTreeSet::new(),
                groups: BTreeSet::new(),
            })
            .collect();
        let at = |name: &str| NAMES.iter().position(|known| *known == name).expect("a group of the list");
        for (outer, inner) in NESTING {
            groups[at(outer)].groups = inner.iter().map(|name| at(name)).collect();
        }
        let people = (0..PEOPLE).map(|n| person(n, &mut dice)).collect();
        let mut company = Self { people, groups, chance: 0 };
        company.join_groups(&mut dice);
        company.spoil(&mut dice);
        company.chance = dice.number();
        company
    }

    /// Dice for what happens next.
    pub(crate) fn dice(&mut self) -> Chance {
        self.chance = self.chance.wrapping_add(1);
        Chance::new(self.chance)
    }

    /// A group by name.
    pub(crate) fn group(&self, name: &str) -> usize {
        self.groups.iter().position(|group| group.name == name).expect("a group of the company")
    }

    /// One who comes new.
    pub(crate) fn hire(&mut self, dice: &mut Chance) -> usize {
        let n = self.people.len();
        let mut new = person(n, dice);
        new.disabled = false;
        new.created = 1_800_000_000 + n as i64;
        self.people.push(new);
        n
    }

    fn join_groups(&mut self, dice: &mut Chance) {
        let everybody: Vec<usize> = (0..self.people.len()).collect();
        let mut join = |name: &str, who: Vec<usize>| {
            let at = NAMES.iter().position(|known| *known == name).expect("a group of the list");
            self.groups[at].people.extend(who);
        };
        // A team for almost everybody; some are in two.
        for n in &everybody {
            if dice.permille(960) {
                join(&format!("team-{:02}", 1 + dice.below(14)), vec![*n]);
            }
            if dice.permille(120) {
                join(&format!("team-{:02}", 1 + dice.below(14)), vec![*n]);
            }
        }
        for (name, count) in [
            ("division-1", 20),
            ("division-4", 30),
            ("loop-a", 40),
            ("loop-b", 40),
            ("board", 12),
            ("executives", 45),
            ("reception", 40),
            ("phones", 250),
            ("phones-shared", 160),
            ("cc-leads", 70),
            ("contact-centre", 150),
            ("blocked", 25),
            ("blocked-inner", 25),
            ("helpdesk", 8),
            ("helpdesk-night", 6),
            ("auditors", 9),
            ("visitors", 60),
            ("Überhang", 80),
        ] {
            join(name, dice.take(count, &everybody));
        }
        let (phones, board) = (self.group("phones"), self.group("board"));
        for (group, count) in [(phones, 60), (board, 5)] {
            for n in dice.take(count, &everybody) {
                // Whoever has it as the primary one is not in its list.
                self.groups[group].people.remove(&n);
                self.people[n].primary = Some(group);
            }
        }
    }

    /// What is wrong with some of them; at most one thing each, where it concerns the address.
    fn spoil(&mut self, dice: &mut Chance) {
        let mut order = dice.take(self.people.len(), &(0..self.people.len()).collect::<Vec<_>>()).into_iter();
        let mut next = || order.next().expect("there are enough people");
        for at in 0..15 {
            self.people[next()].mail = None;
            self.people[next()].mail = Some(format!("nobody{at}.example.test"));
            self.people[next()].mail = Some(format!("guest{at}@elsewhere.test"));
            self.people[next()].note = Some("n".repeat(257));
            self.people[next()].mobile = Some("none".into());
            let long = &mut self.people[next()];
            (long.given, long.plain) =
                ("Bartholomäus Maximilian Ferdinand".into(), "Bartholomaus Maximilian Ferdinand".into());
            let marked = &mut self.people[next()];
            marked.family = format!("{}#{at}", marked.family);
        }
        // Long and marked names for some who call.
        let phones: Vec<usize> = self.groups[self.group("phones")].people.iter().copied().collect();
        for n in dice.take(8, &phones) {
            self.people[n].family = "Oak/Fox".into();
        }
        for at in 0..30 {
            // Pairs with one address, and some threes, in another letter case.
            let address = format!("shared{at}@example.test");
            for claimant in 0..if at < 24 { 2 } else { 3 } {
                let text = if claimant == 1 { address.to_uppercase() } else { address.clone() };
                self.people[next()].mail = Some(text);
            }
        }
        for at in 0..90 {
            self.people[next()].alias = Some(format!("alias{at}@example.test"));
        }
        for at in 0..8 {
            let (one, other) = (next(), next());
            if at < 4 {
                self.people[one].alias = self.people[other].mail.clone();
            } else {
                for n in [one, other] {
                    self.people[n].alias = Some(format!("both{at}@example.test"));
                }
            }
        }
        // Managers of each other, and one's own.
        for _ in 0..5 {
            let (one, other) = (next(), next());
            (self.people[one].manager, self.people[other].manager) = (Some(other), Some(one));
        }
        for _ in 0..3 {
            let alone = next();
            self.people[alone].manager = Some(alone);
        }
        // The same extension, in one place and in two.
        for at in 0..12 {
            let pair = dice.take(2, &phones);
            for n in &pair {
                self.people[*n].extension = Some(format!("{}", 90_000 + at));
            }
            self.people[pair[0]].place = Some(PLACES[0]);
            self.people[pair[1]].place = Some(PLACES[at % 2]);
        }
    }
}

fn person(n: usize, dice: &mut Chance) -> Person {
    let (given, plain) = *dice.one(&GIVEN);
    let unit = match dice.below(1000) {
        0..30 => 7 + dice.below(2),
        _ => dice.below(7),
    };
    Person {
        n,
        anchor: anchor(dice),
        created: 1_200_000_000 + 86_400 * dice.below(4_000) as i64,
        given: given.into(),
        plain: plain.into(),
        family: (*dice.one(&FAMILY)).into(),
        unit,
        class: match dice.below(1000) {
            0..880 => "staff",
            880..950 => "agency",
            _ => "contractor",
        },
        department: dice.permille(950).then(|| *dice.one(&DEPARTMENTS)),
        title: dice.permille(950).then(|| (*dice.one(&TITLES)).into()),
        city: dice.permille(700).then(|| *dice.one(&["Leeds", "Ghent", "Malmö"])),
        country: dice.permille(700).then(|| *dice.one(&["GB", "BE", "SE"])),
        grade: dice.permille(900).then(|| (*dice.one(&GRADES)).into()),
        mail: Some(format!("p{n}@example.test")),
        alias: None,
        phone: dice.permille(850).then(|| Phone {
            style: dice.below(5),
            digits: 70_000_000 + u32::try_from(n).expect("a few people"),
        }),
        mobile: dice.permille(500).then(|| format!("+44 7700 {n:06}")),
        note: dice.permille(200).then(|| format!("CC-{}", n % 77)),
        language: dice.permille(800).then(|| *dice.one(&LANGUAGES)),
        extension: dice.permille(930).then(|| format!("{}", 10_000 + n)),
        place: match dice.below(100) {
            0..3 => None,
            3..6 => Some("Nowhere"),
            _ => Some(*dice.one(&PLACES)),
        },
        manager: (n > 0 && dice.permille(900)).then(|| dice.below(n)),
        disabled: dice.permille(25),
        gone: false,
        primary: None,
    }
}

fn anchor(dice: &mut Chance) -> String {
    let (a, b) = (dice.number(), dice.number());
    format!(
        "{:08x}-{:04x}-4{:03x}-8{:03x}-{:012x}",
        a >> 32,
        (a >> 16) & 0xffff,
        a & 0xfff,
        b >> 52,
        b & 0xffff_ffff_ffff
    )
}
