//! A server that tries to take the process down with one message.

use std::time::Duration;

use crate::fake_ad::settings;
use crate::reading::{ask, read, read_ldap, reasons};
use crate::support::fake_ad::FakeAd;
use crate::support::fake_ad::fault::{At, Fault};
use crate::support::fake_ad::hostile;
use dirsyncd::source::ldap::LdapSource;

#[tokio::test(flavor = "multi_thread")]
async fn endless_nesting_is_an_error_of_that_read_and_the_process_lives() {
    for at in [At::Bind, At::Root, At::Object, At::Page] {
        let ad = FakeAd::start();
        ad.add_people(20);
        let mut settings = settings(&ad);
        settings.operation_timeout = Duration::from_secs(5);
        ad.fault(at, 1, Fault::Bytes(0, |id| hostile::nested(id, 100_000)));
        let (records, outcome) = read(&LdapSource::new(settings.clone()), &ask(&["mail"])).await;
        match outcome {
            // What tells the identity is not needed for a read, but nothing came after it.
            Ok(census) => assert!(!census.is_whole(), "{at:?}: {census:?}"),
            Err(error) => assert!(!error.what.is_empty() && !error.remedy.is_empty(), "{at:?}"),
        }
        assert!(records.is_empty(), "{at:?}");
        let (_, census) = read_ldap(&settings, &ask(&["mail"])).await;
        assert!(census.is_whole() && census.people == 20, "{at:?}: {:?}", reasons(&census));
    }
}
