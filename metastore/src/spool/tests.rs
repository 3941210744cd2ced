use super::*;

fn spool(budget: u64) -> Spool {
    Spool::new(tempfile::tempfile().expect("a file"), Budget::new(budget))
}

#[tokio::test]
async fn what_went_in_comes_out_in_order_and_room_is_given_back() {
    let mut spool = spool(4 * BLOCK as u64);
    for round in 0..3_u8 {
        assert!(spool.next().await.expect("read").is_none());
        for number in 0..4 {
            assert!(spool.push(&Bytes::from(vec![round * 10 + number; BLOCK])).await.expect("written"));
        }
        assert!(!spool.push(&Bytes::from_static(b"more")).await.expect("no failure"), "there is no room");
        for number in 0..4 {
            let block = spool.next().await.expect("read").expect("a block");
            assert_eq!((block.len(), block[0], block[BLOCK - 1]), (BLOCK, round * 10 + number, round * 10 + number));
        }
    }
    let budget = spool.budget.clone();
    drop(spool);
    assert_eq!(budget.0.available_permits(), 4);
}

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
