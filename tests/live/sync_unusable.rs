//! Somebody whose entry is renamed and spoilt between two passes is not gone.

use dirsyncd::sandbox::{Sandbox, Settings};

use crate::support::connector::{Connector, TOKEN, cloud_contents};

const CONFIG: &str = "[[source]]\nname = \"file\"\nkind = \"ldif\"\npath = \"people.ldif\"\n\
                      [guard.deactivate]\ncount = 100\npercent = 100\nfloor = 100\n";

fn person(dn: &str, login: &str, guid: &str) -> String {
    format!(
        "dn: {dn}\nobjectClass: user\nobjectGUID:: {guid}\ncn: {login}\ngivenName: {login}\nsn: Test\n\
         mail: {login}@example.test\n\n"
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn an_anchor_that_is_there_is_not_gone_whatever_its_entry_looks_like() {
    const ANN: &str = "AQEBAQEBAQEBAQEBAQEBAQ==";
    const BOB: &str = "AgICAgICAgICAgICAgICAg==";
    let sandbox =
        Sandbox::start(Settings { token: TOKEN.into(), ..Settings::default() }).await.expect("a sandbox");
    let url = sandbox.base_url();
    let connector = Connector::new(CONFIG, &url);
    let bob = person("CN=bob,DC=example,DC=test", "bob", BOB);
    let file = |ann: &str| connector.secret("people.ldif", &format!("{ann}{bob}"));
    let active = async || cloud_contents(&url).await["ann@example.test"].active;

    file(&person("CN=ann,DC=example,DC=test", "ann", ANN));
    connector.json(0, &["sync"]);
    assert!(active().await);
    // The loser of a naming conflict has another DN, and cannot be used.
    let conflict = r"CN=ann\0ACNF:01010101-0101-0101-0101-010101010101,OU=New,DC=example,DC=test";
    file(&person(conflict, "ann", ANN));
    let report = connector.json(6, &["sync"]);
    assert_eq!(report["counts"]["deactivate"], 0, "{report}");
    assert!(active().await);
    // Without any entry she is gone.
    file("");
    connector.json(0, &["sync"]);
    assert!(!active().await);
    sandbox.stop().await;
}
