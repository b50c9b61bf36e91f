//! Checks of an input beyond what its schema says: everything wrong is reported at once, by JSON Pointers into the
//! input, and no message holds a value.

use crate::{Failure, mapping::Violation};

/// What is wrong with an input so far.
///
/// ```
/// use duijie_sdk::input::Violations;
///
/// let mut wrong = Violations::default();
/// wrong.unless(false, "/phone", "must be a mobile number");
/// let failure = wrong.none().unwrap_err();
/// assert_eq!(failure.detail_json()[0]["pointer"], "/phone");
/// ```
#[derive(Debug, Default)]
pub struct Violations(Vec<Violation>);

impl Violations {
    /// Notes a violation: a JSON Pointer into the input, and what would be right.
    pub fn add(&mut self, pointer: &str, message: &str) {
        self.0.push((pointer.to_owned(), message.to_owned()));
    }

    /// Notes a violation unless this holds.
    pub fn unless(&mut self, holds: bool, pointer: &str, message: &str) {
        if !holds {
            self.add(pointer, message);
        }
    }

    /// Is nothing wrong so far?
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Goes on when nothing is wrong.
    ///
    /// # Errors
    /// [`Violations::failure`].
    pub fn none(self) -> Result<(), Failure> {
        if self.is_empty() { Ok(()) } else { Err(self.failure()) }
    }

    /// `invalid-input` with every violation in its detail.
    pub fn failure(self) -> Failure {
        let count = self.0.len();
        let message = format!("the input does not fit: {count} violation(s), see detail");
        Failure::invalid_input(message).detail_fields(self.0)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{Class, Outcome, http};

    #[test]
    fn everything_wrong_is_reported_at_once() {
        http::begin_call();
        let mut wrong = Violations::default();
        wrong.unless(true, "/a", "holds");
        wrong.unless(false, "/b", "must be b");
        wrong.add("/c", "must be c");
        let failure = wrong.none().unwrap_err();
        assert_eq!((failure.class, failure.outcome), (Class::InvalidInput, Outcome::NotSent));
        assert_eq!(
            failure.detail_json(),
            json!([{ "pointer": "/b", "message": "must be b" }, { "pointer": "/c", "message": "must be c" }])
        );
        assert_eq!(Violations::default().none(), Ok(()));
    }
}
