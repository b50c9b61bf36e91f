//! One signal that everything stops on, and waits with a bound on top. Once given it stays given; it never cancels
//! anything by itself.

use tokio::sync::watch;

/// Gives the signal. Dropping it gives it too, so that nothing outlives its owner by accident.
pub(crate) struct Shutdown(watch::Sender<bool>);

/// Sees the signal; cheap to clone.
#[derive(Clone)]
pub(crate) struct Drain(watch::Receiver<bool>);

impl Shutdown {
    /// A signal not yet given, and what sees it.
    pub(crate) fn new() -> (Self, Drain) {
        let (sender, receiver) = watch::channel(false);
        (Self(sender), Drain(receiver))
    }

    /// Gives the signal.
    pub(crate) fn begin(&self) {
        self.0.send_replace(true);
    }
}

impl Drain {
    /// Was the signal given?
    pub(crate) fn begun(&self) -> bool {
        *self.0.borrow() || self.0.has_changed().is_err()
    }

    /// Waits for the signal; returns at once when it was given before.
    pub(crate) async fn wait(&mut self) {
        // An error means that whoever could give the signal is gone.
        let _ = self.0.wait_for(|begun| *begun).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_signal_given_stays_given_and_a_dropped_giver_gives_it() {
        let (shutdown, drain) = Shutdown::new();
        assert!(!drain.begun());
        shutdown.begin();
        assert!(drain.begun());
        drain.clone().wait().await;

        let (shutdown, drain) = Shutdown::new();
        drop(shutdown);
        assert!(drain.begun());
        drain.clone().wait().await;
    }
}
