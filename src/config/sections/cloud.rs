//! `[cloud]`: how the cloud directory is reached.

use std::net::IpAddr;

use url::{Host, Url};

use super::{Check, Keepers};
use crate::cloud::webex;
use crate::config::raw;

impl Check<'_> {
    pub(super) fn cloud(&mut self, cloud: raw::Cloud) -> webex::Settings {
        let raw::CloudKind::Webex = cloud.kind;
        let base_url = self.base_url(&cloud.base_url, cloud.danger_plain_http);
        if let Some(organization) = &cloud.organization {
            self.filled("cloud.organization", organization);
        }
        let token = Keepers {
            file: cloud.token_file.as_deref(),
            environment: cloud.token_env.as_deref(),
            credential: cloud.token_credential.as_deref(),
            word: "token",
        };
        let token = self.secret("cloud", &token);
        let timeout = self.duration("cloud.timeout", &cloud.timeout);
        let max_throttle = self.any_duration("cloud.max_throttle", &cloud.max_throttle);
        let ca_file = self.existing("cloud.ca_file", cloud.ca_file);
        webex::Settings {
            base_url,
            organization: cloud.organization,
            token,
            danger_plain_http: cloud.danger_plain_http,
            ca_file,
            timeout,
            concurrency: cloud.concurrency as usize,
            max_throttle,
            page_size: cloud.page_size,
        }
    }

    fn base_url(&mut self, text: &str, danger_plain_http: bool) -> String {
        const KEY: &str = "cloud.base_url";
        let expected = "write it as in \"https://webexapis.com\"";
        match Url::parse(text) {
            Err(error) => self.fail(KEY, format!("this is not a URL: {error}"), expected),
            Ok(url) if !matches!(url.scheme(), "https" | "http") => {
                self.fail(KEY, format!("the scheme \"{}\" is not one of HTTP", url.scheme()), expected);
            }
            Ok(url) if !url.username().is_empty() || url.password().is_some() => {
                self.fail(KEY, "a URL must not hold a user or password", "use token_file");
            }
            Ok(url) if url.query().is_some() || url.fragment().is_some() => {
                self.fail(KEY, "the URL must end with its host or path", expected);
            }
            Ok(url) if url.scheme() == "http" && !danger_plain_http && !is_this_machine(&url) => {
                self.fail(
                    KEY,
                    "http:// to another machine lets everybody on the network read the token",
                    "write https://; danger_plain_http = true allows it nevertheless",
                );
            }
            Ok(_) => {}
        }
        text.trim_end_matches('/').to_owned()
    }
}

fn is_this_machine(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name.eq_ignore_ascii_case("localhost"),
        Some(Host::Ipv4(address)) => IpAddr::V4(address).is_loopback(),
        Some(Host::Ipv6(address)) => IpAddr::V6(address).is_loopback(),
        None => false,
    }
}
