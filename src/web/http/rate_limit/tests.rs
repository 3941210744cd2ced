use std::net::SocketAddr;

use axum::body::Body;

use super::*;
use crate::config::Rates;
use crate::error::Kind;

fn limits(rates: Rates, proxies: &[&str]) -> Arc<Limits> {
    let trusted_proxies = proxies.iter().map(|network| network.parse().unwrap()).collect();
    Limits::new(&Config { trusted_proxies, rates, ..Config::default() })
}

fn request(peer: &str, forwarded: Option<&str>) -> Request {
    let mut request = Request::new(Body::empty());
    request.extensions_mut().insert(Peer(peer.parse::<SocketAddr>().unwrap()));
    if let Some(forwarded) = forwarded {
        request.headers_mut().insert("x-forwarded-for", forwarded.parse().unwrap());
    }
    request
}

const ORDINARY: RouteGroup = RouteGroup::DEFAULT;
const PACKS: RouteGroup = RouteGroup { cost: 100, wait_factor: 2, ..ORDINARY };
const TRANSFERS: RouteGroup = RouteGroup { cost: 1, is_transfer: true, ..ORDINARY };
const FREE: RouteGroup = RouteGroup { cost: 0, ..ORDINARY };

/// Counts how many of these requests are admitted before one is refused, up to a thousand.
fn admitted(limits: &Arc<Limits>, group: RouteGroup, mut next: impl FnMut(usize) -> Request) -> usize {
    let came = limits.since;
    let post = |mut request: Request| {
        *request.method_mut() = Method::POST;
        matches!(limits.admit(&mut request, &group, came), Ok(Admission::Now(_)))
    };
    (0..1000).take_while(|number| post(next(*number))).count()
}

#[test]
fn requests_are_counted_by_what_they_cost() {
    let rates = Rates { address: 200, burst_seconds: 1, ..Rates::off() };
    for (group, count) in [(ORDINARY, 40), (TRANSFERS, 200), (PACKS, 2), (FREE, 1000)] {
        let limits = limits(rates.clone(), &[]);
        assert_eq!(admitted(&limits, group, |_| request("203.0.113.5:1", None)), count, "{}", group.cost);
        let mut other = request("203.0.113.6:1", None);
        assert!(limits.admit(&mut other, &group, limits.since).is_ok(), "another address is not affected");
    }
    let off = limits(Rates::off(), &[]);
    assert_eq!(admitted(&off, ORDINARY, |_| request("203.0.113.5:1", None)), 1000);
}

#[test]
fn headers_do_not_create_further_clients() {
    let rates = Rates { address: 50, burst_seconds: 1, ..Rates::off() };
    let forged = |peer: &str, number: usize| request(peer, Some(&format!("198.51.100.{}", number % 250)));
    let unconfigured = limits(rates.clone(), &[]);
    assert_eq!(admitted(&unconfigured, ORDINARY, |number| forged("127.0.0.1:1", number)), 10);
    let configured = limits(rates.clone(), &["127.0.0.0/8"]);
    assert_eq!(admitted(&configured, ORDINARY, |number| forged("127.0.0.1:1", number)), 1000, "250 have 10 each");
    assert_eq!(admitted(&configured, ORDINARY, |number| forged("203.0.113.5:1", number)), 10, "without the proxy");
    let invented = |number| request("127.0.0.1:1", Some(&format!("198.51.100.{number}, 203.0.113.9")));
    assert_eq!(admitted(&configured, ORDINARY, invented), 10, "only the address that the proxy appended counts");
    // A client with an IPv6 network has more addresses than the table can hold.
    let wide = |number| request(&format!("[2001:db8::{number:x}]:1"), None);
    assert_eq!(admitted(&limits(rates, &[]), ORDINARY, wide), 10);
}

#[test]
fn refusals_have_retry_after() {
    let limits = limits(Rates { address: 2, burst_seconds: 3, ..Rates::off() }, &[]);
    assert_eq!(admitted(&limits, PACKS, |_| request("203.0.113.5:1", None)), 1);
    let refused = limits.admit(&mut request("203.0.113.5:1", None), &ORDINARY, limits.since).err().unwrap();
    assert_eq!(refused.kind(), Kind::Busy);
    // 94 points are owed, and one more is required.
    assert_eq!(refused.detail(), "too many requests from your address; try again in 48 seconds");
    let answer = axum::response::IntoResponse::into_response(refused);
    let header = |name: &str| answer.headers()[name].to_str().unwrap().to_owned();
    assert_eq!((answer.status().as_u16(), header("retry-after").as_str()), (429, "48"));
    assert_eq!(header("ratelimit"), "\"address\";r=0;t=48");
    assert_eq!(header("ratelimit-policy"), "\"address\";q=6;w=3");
    let later = limits.since + Duration::from_secs(48);
    assert!(limits.admit(&mut request("203.0.113.5:1", None), &ORDINARY, later).is_ok());
}

#[tokio::test]
async fn a_client_over_the_limit_is_delayed_before_it_is_refused() {
    let rates = Rates { address: 10, burst_seconds: 1, wait_seconds: 1, ..Rates::off() };
    let limits = limits(rates, &[]);
    let mut turns = Vec::new();
    for _ in 0..5 {
        turns.push(limits.admit(&mut request("203.0.113.5:1", None), &ORDINARY, limits.since));
    }
    // Two immediately, and then two per second, for a second.
    for turn in turns.drain(..2) {
        assert!(matches!(turn, Ok(Admission::Now(None))));
    }
    assert!(turns.pop().unwrap().is_err());
    let came = Instant::now();
    for (turn, second) in turns.into_iter().zip([0.1, 0.6]) {
        let Ok(Admission::Later(turn)) = turn else { panic!("{second}") };
        assert!((turn.wait.as_secs_f64() - second).abs() < 0.001, "{:?}", turn.wait);
        assert!(turn.come().await.unwrap().is_none());
        assert!(came.elapsed().as_secs_f64() >= second, "{second}");
    }
}

#[test]
fn waiting_requests_are_bounded() {
    let rates = Rates { address: 1000, burst_seconds: 1, wait_seconds: 15, ..Rates::off() };
    let limits = limits(rates, &[]);
    let came = limits.since;
    assert_eq!(admitted(&limits, ORDINARY, |_| request("203.0.113.5:1", None)), 200);
    // The last of them was delayed, and its client has disconnected.
    let waiting: Vec<_> =
        (0..100).map(|_| limits.admit(&mut request("203.0.113.5:1", None), &ORDINARY, came)).collect();
    assert_eq!(waiting.iter().filter(|turn| turn.is_ok()).count(), MAX_WAITING);
    // A refused request costs nothing, and a cancelled one frees its slot.
    drop(waiting);
    let turn = limits.admit(&mut request("203.0.113.5:1", None), &ORDINARY, came);
    assert!(matches!(turn, Ok(Admission::Later(turn)) if turn.wait < Duration::from_millis(500)));
}

#[test]
fn queries_are_transfers() {
    const QUERIES: RouteGroup = RouteGroup { is_query: true, ..ORDINARY };
    let limits = limits(Rates { transfers_address: Some(2), ..Rates::off() }, &[]);
    let post = |group: &RouteGroup| {
        let mut request = request("203.0.113.5:1", None);
        *request.method_mut() = Method::POST;
        limits.admit(&mut request, group, limits.since).unwrap()
    };
    let held = [post(&QUERIES), post(&QUERIES)];
    assert!(held.iter().all(|admitted| matches!(admitted, Admission::Now(Some(_)))));
    assert!(matches!(post(&QUERIES), Admission::Later(_)));
    assert!(matches!(post(&TRANSFERS), Admission::Now(None)), "to post something else is no transfer");
    drop(held);
    assert!(matches!(post(&QUERIES), Admission::Now(Some(_))));
}

#[test]
fn refusals_name_the_limit_that_applies() {
    let rates = Rates { transfers_address: Some(1), wait_seconds: 15, ..Rates::off() };
    let limits = limits(rates, &[]);
    let ask = || limits.admit(&mut request("203.0.113.5:1", None), &TRANSFERS, limits.since);
    let held = ask();
    assert!(matches!(held, Ok(Admission::Now(Some(_)))));
    let waiting: Vec<_> = (0..MAX_WAITING).map(|_| ask().unwrap()).collect();
    let refusal = ask().err().unwrap();
    assert!(refusal.detail().starts_with("too many concurrent transfers"), "{}", refusal.detail());
    drop((held, waiting));
    assert!(matches!(ask(), Ok(Admission::Now(Some(_)))));
}
