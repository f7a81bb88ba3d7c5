//! The bearer token: known to the request it travels in, and to nothing else.

use std::fmt;

use reqwest::header::HeaderValue;

use super::{CloudError, CloudErrorKind};
use crate::model::Redacted;

/// An access token, ready to be sent.
#[derive(Clone)]
pub(crate) struct Token {
    secret: Redacted<String>,
    header: HeaderValue,
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(redacted)")
    }
}

impl Token {
    /// A token from its text. Blanks and line ends around it, as files have them, do not count.
    pub(crate) fn new(text: &str) -> Result<Self, CloudError> {
        let text = text.trim();
        let unusable = |why: &str| {
            CloudError::new(
                CloudErrorKind::Refused,
                format!("the access token of the cloud is not usable: {why}"),
                "store the token again: exactly the text that the cloud gave, without quotes or the word Bearer",
            )
        };
        if text.is_empty() {
            return Err(unusable("it is empty"));
        }
        if !text.bytes().all(|b| b.is_ascii_graphic()) {
            return Err(unusable("it contains blanks or characters that no token has"));
        }
        let mut header = HeaderValue::from_str(&format!("Bearer {text}"))
            .map_err(|_| unusable("it cannot be sent in a header"))?;
        header.set_sensitive(true);
        Ok(Self { secret: Redacted(text.to_owned()), header })
    }

    /// The value of the `Authorization` header.
    pub(crate) fn bearer(&self) -> HeaderValue {
        self.header.clone()
    }

    /// Takes the token out of a text that came from outside: a page that reports an error can
    /// repeat the headers of the request.
    pub(crate) fn hide_in(&self, text: &str) -> String {
        text.replace(self.secret.0.as_str(), "(token)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_can_be_a_token_is_taken() {
        assert!(Token::new(" abc.DEF-1_2\n").is_ok());
        for bad in ["", "  \n", "Bearer abc", "a\nb", "tökën"] {
            assert_eq!(Token::new(bad).unwrap_err().kind, CloudErrorKind::Refused, "{bad:?}");
        }
    }

    #[test]
    fn it_does_not_show() {
        let token = Token::new("s3cret").unwrap();
        assert!(!format!("{token:?} {:?}", token.bearer()).contains("s3cret"));
        assert_eq!(token.hide_in("you sent Bearer s3cret."), "you sent Bearer (token).");
    }
}
