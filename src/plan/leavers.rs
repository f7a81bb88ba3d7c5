//! What becomes of people who left.

/// The policy for leavers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Leavers {
    /// Deactivate them; otherwise they are only reported.
    pub deactivate: bool,
    /// Take back the licences that we gave, in the same pass.
    pub reclaim_licenses: bool,
    /// Delete the account so many seconds after the deactivation; `None` for never.
    pub delete_after: Option<i64>,
}

impl Default for Leavers {
    fn default() -> Self {
        Self { deactivate: true, reclaim_licenses: true, delete_after: None }
    }
}
