//! After an answer that did not arrive: read before writing again, so that nobody is created
//! twice.

use crate::cloud::{CloudError, CloudErrorKind, Order};
use crate::model::{Action, CloudId};

use super::Work;

impl Work<'_> {
    /// A create that was sent and not answered, or refused because the address exists, may
    /// have happened: the cloud is asked before anything is sent again.
    pub(super) async fn read_before_writing_again(
        &self,
        action: &Action,
        error: CloudError,
    ) -> Result<CloudId, CloudError> {
        if !matches!(error.kind, CloudErrorKind::Ambiguous | CloudErrorKind::Conflict) {
            return Err(error);
        }
        let anchor = action.anchor.to_string();
        let found = match self.hands.cloud.account_by_email(&action.email).await {
            Ok(found) => found,
            // Not even that is known: the intent stays open, for the recovery to close.
            Err(e) => {
                if e.kind.ends_pass() {
                    self.locked(|p| p.outcomes.fatal.get_or_insert(e).kind);
                }
                return Err(CloudError { kind: CloudErrorKind::Ambiguous, ..error });
            }
        };
        match found {
            Some(account) if account.external_id.as_deref() == Some(anchor.as_str()) => Ok(account.id),
            Some(_) => Err(CloudError { kind: CloudErrorKind::Conflict, ..error }),
            None if error.kind == CloudErrorKind::Conflict => Err(error),
            None => {
                let order = [Order { action, cloud_id: None }];
                let again = self.hands.writer.write(&order).await.into_iter().next();
                match again {
                    Some(Err(e)) if e.kind == CloudErrorKind::Conflict => {
                        match self.hands.cloud.account_by_email(&action.email).await {
                            Ok(Some(account)) if account.external_id.as_deref() == Some(anchor.as_str()) => {
                                Ok(account.id)
                            }
                            Ok(_) => Err(e),
                            Err(_) => Err(error),
                        }
                    }
                    Some(result) => result,
                    None => Err(error),
                }
            }
        }
    }
}
