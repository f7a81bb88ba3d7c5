//! The directory of the company, Samba or slapd, and the configuration that goes with it.

use std::path::Path;
use std::process::Command;

use super::people::{Company, Person};
use super::writing::{self, Kind};
use crate::support::process::{run, run_with_input};
use crate::support::samba::{self, Samba};
use crate::support::slapd::{self, Options, Slapd};

/// A running directory that holds the company.
pub(crate) enum Directory {
    Samba(Samba),
    Slapd(Slapd),
}

impl Directory {
    /// Starts one with everybody in it.
    pub(crate) fn start(kind: Kind, company: &Company) -> Self {
        let load = writing::load(kind, company);
        match kind {
            Kind::Samba => Self::Samba(Samba::start_prepared(|conf| fill(conf, &load, company))),
            Kind::Slapd => {
                let mut options = Options::default()
                    .global_config("moduleload ppolicy")
                    .database_config("overlay ppolicy")
                    .ldif(&load.units);
                for part in load.people {
                    options = options.ldif(&part);
                }
                let slapd = options.ldif(&load.groups).start();
                slapd.modify(&load.links);
                Self::Slapd(slapd)
            }
        }
    }

    pub(crate) fn kind(&self) -> Kind {
        match self {
            Self::Samba(_) => Kind::Samba,
            Self::Slapd(_) => Kind::Slapd,
        }
    }

    /// The password that the configuration asks for.
    pub(crate) fn password(&self) -> &'static str {
        match self {
            Self::Samba(_) => samba::PASSWORD,
            Self::Slapd(_) => slapd::PASSWORD,
        }
    }

    /// Makes `after` of `before`.
    pub(crate) fn change(&self, before: &Company, after: &Company) {
        let ldif = writing::changes(self.kind(), before, after);
        match self {
            Self::Samba(samba) => {
                let database = samba.database();
                run_with_input(Command::new("ldbmodify").arg("--relax").arg("-H").arg(&database), &ldif);
                age(&database, after.people[before.people.len()..].iter());
            }
            Self::Slapd(slapd) => {
                let mut modify = Command::new("ldapmodify");
                modify.args([
                    "-x",
                    "-e",
                    "!relax",
                    "-H",
                    &slapd.url(),
                    "-D",
                    slapd::ADMIN,
                    "-w",
                    slapd::PASSWORD,
                ]);
                run_with_input(&mut modify, &ldif);
            }
        }
    }

    /// The configuration, whose rules are those of the oracle.
    pub(crate) fn config(&self, mode: &str) -> String {
        let head = match self {
            Self::Samba(samba) => source(&samba.url(), &samba.ca_file(), samba::ADMIN, "active_directory"),
            Self::Slapd(slapd) => {
                source(&slapd.tls_url(), &slapd.ca_file(), slapd::READER, "inet_org_person")
            }
        };
        let kind = self.kind();
        let bases = match kind {
            Kind::Samba => format!("bases = [\"{}\"]", kind.top()),
            Kind::Slapd => {
                format!("bases = [\"{}\"]\ngroup_bases = [\"ou=groups,{}\"]", kind.top(), slapd::SUFFIX)
            }
        };
        let mut rules = RULES.replace("{mode}", mode).replace("{top}", &kind.top());
        let shared = &format!(
            "CN=phones-shared,OU=Groups,{}",
            match kind {
                Kind::Samba => format!("OU=Corp,{}", samba::SUFFIX),
                Kind::Slapd => slapd::SUFFIX.to_owned(),
            }
        );
        for (word, samba, slapd) in [
            ("{shared}", shared.as_str(), shared.as_str()),
            ("{department}", "department", "departmentNumber"),
            ("{grade}", "division", "businessCategory"),
            ("{note}", "info", "carLicense"),
            ("{alias}", "otherMailbox", "labeledURI"),
            ("{extension}", "ipPhone", "roomNumber"),
        ] {
            rules = rules.replace(word, if kind == Kind::Samba { samba } else { slapd });
        }
        head.replace("{bases}", &bases) + &rules
    }
}

/// Loads a database of Samba that is not in use: in portions, as each costs the square of its size.
fn fill(conf: &Path, load: &writing::Load, company: &Company) {
    let database = conf.parent().and_then(Path::parent).expect("etc/smb.conf").join("private/sam.ldb");
    let tool = |name: &str, ldif: &str| {
        run_with_input(Command::new(name).arg("--relax").arg("-H").arg(&database), ldif);
    };
    tool("ldbadd", &load.units);
    for part in &load.people {
        tool("ldbadd", part);
    }
    tool("ldbadd", &load.groups);
    tool("ldbmodify", &load.links);
    let id = |name: &str| {
        let mut search = Command::new("ldbsearch");
        search.arg("-H").arg(&database).args([&format!("(&(objectClass=group)(cn={name}))"), "objectSid"]);
        let found = run(&mut search);
        let sid = found.lines().find(|line| line.starts_with("objectSid: ")).expect("a group has one");
        sid.rsplit('-').next().expect("a last part").to_owned()
    };
    tool("ldbmodify", &writing::primaries(company, id));
    age(&database, company.people.iter());
}

/// Samba itself never lets anybody say when an entry was made.
fn age<'a>(database: &Path, people: impl Iterator<Item = &'a Person>) {
    let below = database.with_extension("ldb.d").join("DC=EXAMPLE,DC=TEST.ldb");
    let ldif = writing::ages(people);
    run_with_input(Command::new("ldbmodify").args(["-H", &format!("mdb://{}", below.display())]), &ldif);
}

fn source(url: &str, ca_file: &Path, bind: &str, dialect: &str) -> String {
    format!(
        "[[source]]\nname = \"company\"\nkind = \"ldap\"\nurls = [\"{url}\"]\nca_file = \"{}\"\nbind = \"{bind}\"\n\
         password_file = \"password\"\n{{bases}}\n[people]\ndialect = \"{dialect}\"\n",
        ca_file.display()
    )
}

const RULES: &str = r##"
allowed_domains = ["example.test"]

[people.scope]
filter = "(!(employeeType=contractor))"
exclude_bases = ["ou=service,{top}"]
groups = ["company", "visitors"]
exclude_groups = ["blocked"]

[people.mapping]
display_name = 'join(", ", upper(sn), givenName)'
nick_name = "ascii(givenName)"
cost_center = "{note}"
email_alias_1 = "{alias}"
phone_work = 'phone(telephoneNumber, "GB")'
sip_address = ""
extension_attribute_1 = 'match(ou(1), "Works", "W1", "yard", "Y1", ou(2))'
extension_attribute_2 = 'if(in_group("region-1"), if(in_group("region-2"), "both", "one"), default(employeeType, "none"))'
extension_attribute_3 = 'pad(employeeNumber, 6, "0")'

[entitlements]
mode = "{mode}"

[[template]]
name = "east"
licenses = ["message.messaging"]
subscription = "SubEast"

[[template]]
name = "west"
licenses = ["Advanced Messaging"]
subscription = "SubWest"

[[entitlement]]
name = "board"
groups = ["board"]
licenses = ["message.messaging", "meeting.webex_enterprise"]
subscription = "SubEast"

[[entitlement]]
name = "reception"
groups = ["reception"]
licenses = ["calling.professional", "calling.attendant_console"]
location_from = "physicalDeliveryOfficeName"
extension = "{extension}"

[[entitlement]]
name = "leads call"
groups = ["phones"]
when = 'starts_with(title, "lead")'
licenses = ["Webex Calling - Professional"]
location_from = "physicalDeliveryOfficeName"
extension = "{extension}"

[[entitlement]]
name = "phones"
groups = ["phones", "{shared}"]
licenses = ["calling.basic"]
location_from = "physicalDeliveryOfficeName"
extension = "{extension}"

[[entitlement]]
name = "hosts west"
bases = ["ou=west,{top}"]
when = "(title=*manager*)"
licenses = ["Webex Meetings Suite"]
site = "west.example.webex.com"

[[entitlement]]
name = "centre leads"
groups = ["cc-leads"]
licenses = ["care.premium"]

[[entitlement]]
name = "centre"
groups = ["contact-centre"]
licenses = ["care.standard"]

[[entitlement]]
name = "connect"
groups = ["region-1"]
licenses = ["hybrid_call.connect"]

[[entitlement]]
name = "aware"
when = 'in_group("region-1") and not one_of({department}, "legal", "audit")'
licenses = ["hybrid_call.aware"]

[[entitlement]]
name = "east"
bases = ["ou=east,{top}"]
templates = ["east"]

[[entitlement]]
name = "west"
bases = ["ou=west,{top}"]
templates = ["west"]

[[entitlement]]
name = "division 2"
groups = ["division-2"]
templates = ["west"]

[[entitlement]]
name = "spaces"
when = '{department} != "Kitchen"'
licenses = ["meeting.meeting"]

[[entitlement]]
name = "attendees"
attendee = "east.example.webex.com"

[[role]]
name = "no administrators in division 3"
groups = ["division-3"]
role = "none"

[[role]]
name = "auditors"
groups = ["auditors"]
role = "read_only"

[[role]]
name = "help desk"
groups = ["helpdesk"]
role = "user"

[seats]
order_by = "{grade}"
order = "descending"

[guard]
min_census_percent = 10

[guard.deactivate]
count = 4000
percent = 100
floor = 4000

[guard.license_remove]
count = 4000
percent = 100
floor = 4000

[guard.blank]
count = 4000
percent = 100
floor = 4000
"##;
