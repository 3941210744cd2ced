//! What to do next with an installed app: a pure function of what is wanted, what was recorded, and what the container
//! engine reports. Every transition is a row of a table in the tests.

use std::time::Duration;

use super::backend::{Observed, Phase};
use crate::types::{InstallState, Millis, WantedState};

/// Failures in a row after which an app has failed.
const MAX_ATTEMPTS: i64 = 3;
/// After this time without a failure, earlier ones are forgotten.
const STABLE: Duration = Duration::from_mins(10);

/// What was recorded of an install.
#[derive(Debug, Clone, Copy)]
pub(super) struct Recorded {
    /// What is wanted.
    pub(super) wanted: WantedState,
    /// The state.
    pub(super) state: InstallState,
    /// The run.
    pub(super) run: i64,
    /// Failures in a row.
    pub(super) attempts: i64,
    /// When the run began.
    pub(super) started_at: Option<Millis>,
    /// How long it may take until the app answers.
    pub(super) start_timeout: Duration,
}

/// What to record, and what to do then.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Step {
    /// Record this state. Nothing else to do until something changes.
    Settle(InstallState, String),
    /// Record this state, and look again soon.
    Wait(InstallState, String),
    /// The app answers.
    Ready,
    /// Begin a new run, because the last one ended unexpectedly, after this number of failures in a row.
    Restart(String, i64),
    /// Record the failure, and remove the container.
    Fail(String),
    /// Everything is gone: delete the record.
    Delete,
}

/// Returns the next step. `answers` is true if the app answered its health check.
pub(super) fn step(recorded: &Recorded, observed: &Observed, answers: bool, now: Millis) -> Step {
    use InstallState as State;
    let Recorded { wanted, state, run, attempts, started_at, start_timeout } = *recorded;
    let reason = || observed.reason.clone();
    // Failed until its owner starts it again.
    if state == State::Failed && matches!(wanted, WantedState::Running | WantedState::Paused) {
        return Step::Settle(State::Failed, String::new());
    }
    match (wanted, observed.phase) {
        (WantedState::Removed, Phase::Absent) => Step::Delete,
        (WantedState::Stopped, Phase::Absent) => Step::Settle(State::Stopped, String::new()),
        (WantedState::Removed | WantedState::Stopped, _) | (WantedState::Paused, Phase::Pending | Phase::Running) => {
            Step::Wait(state, String::new())
        }
        (WantedState::Paused, Phase::Paused) => Step::Settle(State::Paused, String::new()),
        // Its process has ended, or the engine cannot pause.
        (WantedState::Paused, Phase::Absent | Phase::Exited | Phase::Failed) => {
            Step::Settle(State::Stopped, String::new())
        }
        (WantedState::Running, Phase::Failed) => Step::Fail(reason()),
        (WantedState::Running, Phase::Running) if observed.run > run => Step::Wait(state, String::new()),
        (WantedState::Running, Phase::Running) if answers => Step::Ready,
        (WantedState::Running, Phase::Exited) => {
            let ran_for = started_at.map_or(0, |started| now.0 - started.0);
            let is_stable = state == State::Running && ran_for >= i64::try_from(STABLE.as_millis()).unwrap_or(i64::MAX);
            let failures = if is_stable { 0 } else { attempts };
            if failures + 1 >= MAX_ATTEMPTS { Step::Fail(reason()) } else { Step::Restart(reason(), failures + 1) }
        }
        (WantedState::Running, Phase::Absent | Phase::Pending | Phase::Running | Phase::Paused) => {
            let is_late = started_at.is_some_and(|started| started.plus(start_timeout) <= now);
            // A download has no time limit of the app.
            if is_late && observed.phase == Phase::Running {
                let seconds = start_timeout.as_secs();
                return Step::Fail(format!("it did not answer its health check within {seconds} seconds"));
            }
            let next = if state == State::Installing { State::Installing } else { State::Starting };
            Step::Wait(if observed.phase == Phase::Running { State::Starting } else { next }, reason())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Clock;

    fn at(wanted: WantedState, state: InstallState, phase: Phase, answers: bool) -> Step {
        later(wanted, state, phase, answers, 1, 0)
    }

    fn later(
        wanted: WantedState,
        state: InstallState,
        phase: Phase,
        answers: bool,
        attempts: i64,
        seconds: i64,
    ) -> Step {
        let recorded = Recorded {
            wanted,
            state,
            run: 1,
            attempts,
            started_at: Some(Millis(0)),
            start_timeout: Duration::from_secs(60),
        };
        let observed = Observed {
            install: Clock::default().id(),
            run: 1,
            phase,
            endpoint: None,
            image_id: None,
            reason: "why".into(),
            last_log: None,
        };
        step(&recorded, &observed, answers, Millis(seconds * 1000))
    }

    #[test]
    fn each_transition() {
        use InstallState as S;
        use Phase as P;
        use WantedState as W;
        let (settle, wait) =
            (|state| Step::Settle(state, String::new()), |state, why: &str| Step::Wait(state, why.into()));
        for (wanted, state, phase, answers, expected) in [
            (W::Running, S::Installing, P::Absent, false, wait(S::Installing, "why")),
            (W::Running, S::Installing, P::Pending, false, wait(S::Installing, "why")),
            (W::Running, S::Installing, P::Running, false, wait(S::Starting, "why")),
            (W::Running, S::Starting, P::Pending, false, wait(S::Starting, "why")),
            (W::Running, S::Starting, P::Running, false, wait(S::Starting, "why")),
            (W::Running, S::Starting, P::Running, true, Step::Ready),
            (W::Running, S::Running, P::Running, true, Step::Ready),
            (W::Running, S::Paused, P::Paused, false, wait(S::Starting, "why")),
            (W::Running, S::Running, P::Absent, false, wait(S::Starting, "why")),
            (W::Running, S::Running, P::Exited, false, Step::Restart("why".into(), 2)),
            (W::Running, S::Starting, P::Failed, false, Step::Fail("why".into())),
            (W::Running, S::Failed, P::Running, true, settle(S::Failed)),
            (W::Paused, S::Running, P::Running, true, wait(S::Running, "")),
            (W::Paused, S::Running, P::Paused, false, settle(S::Paused)),
            (W::Paused, S::Running, P::Absent, false, settle(S::Stopped)),
            (W::Paused, S::Paused, P::Exited, false, settle(S::Stopped)),
            (W::Paused, S::Failed, P::Absent, false, settle(S::Failed)),
            (W::Stopped, S::Running, P::Running, true, wait(S::Running, "")),
            (W::Stopped, S::Running, P::Exited, false, wait(S::Running, "")),
            (W::Stopped, S::Running, P::Absent, false, settle(S::Stopped)),
            (W::Stopped, S::Failed, P::Absent, false, settle(S::Stopped)),
            (W::Removed, S::Running, P::Running, true, wait(S::Running, "")),
            (W::Removed, S::Failed, P::Absent, false, Step::Delete),
        ] {
            let got = at(wanted, state, phase, answers);
            assert_eq!(got, expected, "{wanted} {state} {phase:?} {answers}");
        }
    }

    #[test]
    fn late_and_unstable_apps_fail() {
        use InstallState as S;
        let run = |state, phase, attempts, seconds| later(WantedState::Running, state, phase, false, attempts, seconds);
        assert!(matches!(run(S::Starting, Phase::Running, 0, 59), Step::Wait(..)));
        assert!(matches!(run(S::Starting, Phase::Running, 0, 60), Step::Fail(_)));
        assert!(matches!(run(S::Installing, Phase::Pending, 0, 6000), Step::Wait(..)), "a download may be long");
        assert!(matches!(run(S::Running, Phase::Exited, 1, 5), Step::Restart(_, 2)));
        assert!(matches!(run(S::Running, Phase::Exited, 2, 5), Step::Fail(_)));
        assert!(matches!(run(S::Running, Phase::Exited, 2, 601), Step::Restart(_, 1)), "it ran for long");
        assert!(matches!(run(S::Starting, Phase::Exited, 2, 601), Step::Fail(_)));
    }
}
