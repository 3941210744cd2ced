use super::*;

#[tokio::test]
async fn a_client_may_be_slow_for_a_while_and_then_must_go_on() {
    tokio::time::pause();
    let mut pace = Pace::default();
    // Slow, but not too slow: at least 64 KiB per second.
    for _ in 0..600 {
        pace.wait(tokio::time::sleep(Duration::from_secs(1))).await.expect("no timeout");
        pace.moved += 64 << 10;
    }
    // A slower rate is allowed for a minute.
    let mut steps = 0;
    while pace.wait(tokio::time::sleep(Duration::from_secs(1))).await.is_ok() {
        pace.moved += 300;
        steps += 1;
    }
    assert!((58..=61).contains(&steps), "{steps}");
    pace.moved += 1 << 40;
    assert_eq!(pace.left(), STALL_TIMEOUT, "and silence is never borne for long, whatever came before");
}

#[tokio::test]
async fn a_body_is_drained_up_to_a_bound() {
    let mut short = &[0; 10_000][..];
    drain(&mut short).await;
    assert!(short.is_empty());
    let mut endless = tokio::io::repeat(0).take(u64::MAX);
    drain(&mut endless).await;
    assert_eq!(u64::MAX - endless.limit(), DRAIN);
}
