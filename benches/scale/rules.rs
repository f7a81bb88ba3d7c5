//! The part `rules`: an edit of a mapping over everybody, planned from the kept records and by reading
//! the directory again; and what keeping them costs.

use std::time::Duration;

use dirsyncd::config::{Config, Overrides};
use dirsyncd::store::{DATABASE_FILE, Reader};

use super::{Bench, Place, RUNS, run, sandbox};

/// Measures with one directory.
pub async fn measure(bench: &Bench) {
    for keep in [false, true] {
        let sandbox = sandbox().await;
        let place = bench.place(&sandbox.base_url());
        edit(&place, "changes = \"full\"", "changes = \"auto\"");
        edit(&place, "[state]\n", &format!("[state]\nkeep_records = {keep}\n"));
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
        for (name, expression) in
            [("everybody", "upper(title)"), ("a hundredth", "if(title == 'Clerk 1', 'Chief', title)")]
        {
            edit(&place, "[state]\n", &format!("[people.mapping]\ntitle = \"{expression}\"\n[state]\n"));
            let (mut wall, mut peak) = (Duration::MAX, 0);
            for _ in 0..RUNS {
                let took = run(&place, &["plan"]);
                wall = wall.min(took.wall);
                peak = peak.max(took.peak_mb);
            }
            println!("plan of an edit that changes {name}: {:.2} s, peak {peak} MB", wall.as_secs_f64());
            edit(&place, &format!("[people.mapping]\ntitle = \"{expression}\"\n"), "");
        }
        sandbox.stop().await;
    }
}

fn edit(place: &Place, from: &str, to: &str) {
    let text = std::fs::read_to_string(&place.config).expect("the configuration");
    assert!(text.contains(from), "{from}");
    std::fs::write(&place.config, text.replace(from, to)).expect("writing the configuration");
}
