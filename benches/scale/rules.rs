//! The part `rules`: edits of the rules over everybody, planned from the kept records and by reading
//! the directory again; and what keeping them costs.

use std::time::Duration;

use dirsyncd::config::{Config, Overrides};
use dirsyncd::store::{DATABASE_FILE, Reader};

use super::{Bench, Place, RUNS, run, sandbox};

/// The licences that the rules give from the beginning: to a hundredth.
const BEFORE: &str =
    "[[entitlement]]\nname = \"few\"\nwhen = \"title == 'Clerk 2'\"\nlicenses = [\"message.messaging\"]\n";

/// The edits, and what the rules say after them.
const EDITS: [(&str, &str); 6] = [
    ("a value of everybody", "[people.mapping]\ntitle = \"upper(title)\"\n"),
    ("a value of a hundredth", "[people.mapping]\ntitle = \"if(title == 'Clerk 1', 'Chief', title)\"\n"),
    (
        "a licence for a hundredth",
        "[[entitlement]]\nname = \"clerks\"\nwhen = \"title == 'Clerk 1'\"\nlicenses = [\"message.messaging\"]\n",
    ),
    ("a licence for everybody", "[[entitlement]]\nname = \"all\"\nlicenses = [\"message.messaging\"]\n"),
    ("a tenth out of the scope", "[people.scope]\nfilter = \"(!(employeeNumber=*7))\"\n"),
    ("the address of everybody", "[people.mapping]\nemail = \"join('', uid, '@other.example.com')\"\n"),
];

/// Measures with one directory.
pub async fn measure(bench: &Bench) {
    for keep in [false, true] {
        let sandbox = sandbox().await;
        enough_seats(&sandbox.base_url(), bench.size).await;
        let place = bench.place(&sandbox.base_url());
        edit(&place, "changes = \"full\"", "changes = \"auto\"");
        edit(&place, "[state]\n", &format!("{BEFORE}[state]\nkeep_records = {keep}\n"));
        let first = run(&place, &["sync"]);
        let full = run(&place, &["sync", "--full"]);
        println!(
            "keep_records = {keep}: first load {:.1} s, a full pass {:.2} s, peak {} MB",
            first.wall.as_secs_f64(),
            full.wall.as_secs_f64(),
            full.peak_mb
        );
        let config = Config::load(&place.config, &Overrides::default()).expect("the configuration");
        let (people, bytes) = {
            let reader = Reader::open(&config.state_dir).expect("the state");
            reader.kept_size().expect("the state")
        };
        let file = std::fs::metadata(config.state_dir.join(DATABASE_FILE)).expect("the state").len();
        println!("database {} MB; {} bytes a kept record", file / 1_000_000, bytes / people.max(1));
        for (name, rules) in EDITS {
            edit(&place, "[state]\n", &format!("{rules}[state]\n"));
            let (mut wall, mut peak) = (Duration::MAX, 0);
            for _ in 0..RUNS {
                let took = run(&place, &["plan"]);
                wall = wall.min(took.wall);
                peak = peak.max(took.peak_mb);
            }
            println!("plan of an edit: {name}: {:.2} s, peak {peak} MB", wall.as_secs_f64());
            edit(&place, rules, "");
        }
        sandbox.stop().await;
    }
}

/// A seat of messaging for everybody, twice.
async fn enough_seats(base_url: &str, people: usize) {
    let client = reqwest::Client::builder().no_proxy().build().expect("a client");
    let seats = serde_json::json!({ "Advanced Messaging": 2 * people });
    let answer = client.put(format!("{base_url}/sandbox/licenses")).json(&seats).send().await;
    assert!(answer.expect("the sandbox answers").status().is_success(), "the sandbox sells seats");
}

fn edit(place: &Place, from: &str, to: &str) {
    let text = std::fs::read_to_string(&place.config).expect("the configuration");
    assert!(text.contains(from), "{from}");
    std::fs::write(&place.config, text.replace(from, to)).expect("writing the configuration");
}
