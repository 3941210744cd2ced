//! Retries of changes that lose a race with another writer.

use std::time::Duration;

use crate::clock;
use crate::error::{Error, Result};

/// Number of attempts for a change whose attempts are cheap.
pub(crate) const ATTEMPTS: u32 = 20;

/// Longest delay before the second attempt; it doubles with every attempt.
const DELAY: Duration = Duration::from_millis(50);

/// Longest delay before any attempt.
const MAX_DELAY: Duration = Duration::from_secs(1);

/// Runs `attempt` until it returns a value, at most `attempts` times; `None` means that another writer was faster.
/// Between attempts, it waits for a random part of a growing delay, so that the same writers do not collide again.
///
/// # Errors
/// Those of `attempt`; busy if no attempt succeeded.
pub(crate) async fn retry_on_conflict<T, E, F>(attempts: u32, mut attempt: impl FnMut() -> F) -> Result<T, E>
where
    E: From<Error>,
    F: Future<Output = Result<Option<T>, E>>,
{
    for number in 0..attempts {
        if number > 0 {
            let most = MAX_DELAY.min(DELAY * 2u32.pow(number.min(6) - 1));
            tokio::time::sleep(most * u32::from(clock::random::<1>()[0]) / u32::from(u8::MAX)).await;
        }
        if let Some(done) = attempt().await? {
            return Ok(done);
        }
    }
    Err(Error::busy("too many concurrent changes to this dataset; try again in a moment").into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Kind;

    #[tokio::test(start_paused = true)]
    async fn attempts_end_with_a_value_an_error_or_busy() {
        let run = async |results: &[Result<Option<u32>>]| {
            let mut results = results.iter();
            let attempts = u32::try_from(results.len()).unwrap();
            let attempt = || {
                std::future::ready(match results.next().unwrap() {
                    Ok(done) => Ok(*done),
                    Err(error) => Err(Error::not_found(error.detail())),
                })
            };
            retry_on_conflict(attempts, attempt).await
        };
        let gone = || Err(Error::not_found("gone"));
        assert_eq!(run(&[Ok(None), Ok(Some(7)), gone()]).await.unwrap(), 7);
        assert_eq!(run(&[Ok(None), gone(), Ok(Some(7))]).await.unwrap_err().kind(), Kind::NotFound);
        let lost: [Result<Option<u32>>; 20] = std::array::from_fn(|_| Ok(None));
        assert_eq!(run(&lost).await.unwrap_err().kind(), Kind::Busy);
    }
}
