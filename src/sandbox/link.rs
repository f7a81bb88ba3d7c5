//! `Link: <...>; rel="next"` headers, which may lose parameters on a bad day.

use super::call::Call;

/// A link to the next page: the request's own parameters with some set anew.
pub(super) fn next(call: &Call<'_>, set: &[(&str, &str)]) -> String {
    let dropped = call.cloud.faults().next_link_drops.clone();
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    for (name, value) in call.query.pairs() {
        if !dropped.contains(name) && !set.iter().any(|(key, _)| key == name) {
            query.append_pair(name, value);
        }
    }
    for (name, value) in set {
        if value.is_empty() {
            query.append_key_only(name);
        } else {
            query.append_pair(name, value);
        }
    }
    format!("<{}/{}?{}>; rel=\"next\"", call.cloud.base(), call.path.join("/"), query.finish())
}
