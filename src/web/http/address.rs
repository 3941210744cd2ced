//! Addresses of clients and of this server, as reported by trusted reverse proxies (`X-Forwarded-*`).

use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use axum::extract::FromRequestParts;
use axum::http::header::USER_AGENT;
use axum::http::request::Parts;
use axum::http::uri::Authority;
use axum::http::{Extensions, HeaderMap};
use ipnet::IpNet;

use crate::app::App;
use crate::error::{Error, Result};

const FORWARDED_FOR: &str = "x-forwarded-for";

/// Returns true if the peer is a trusted proxy, whose `X-Forwarded-For` is believed.
pub(crate) fn is_trusted(peer: IpAddr, proxies: &[IpNet]) -> bool {
    let peer = peer.to_canonical();
    proxies.iter().any(|network| network.contains(&peer))
}

/// Returns true if a trusted proxy sent the request.
pub(crate) fn is_proxied(extensions: &Extensions, proxies: &[IpNet]) -> bool {
    extensions.get::<Peer>().is_some_and(|Peer(peer)| is_trusted(peer.ip(), proxies))
}

/// Returns the address of the client: the peer's or, if that is a trusted proxy, the one that the last trusted proxy
/// saw. Each proxy appends the address it saw to `X-Forwarded-For`. Anything to the left of the first untrusted address
/// can be forged.
pub(crate) fn client(peer: IpAddr, headers: &HeaderMap, proxies: &[IpNet]) -> IpAddr {
    let mut client = peer.to_canonical();
    // Several lines of the same header form one list (RFC 9110 §5.3).
    for line in headers.get_all(FORWARDED_FOR).iter().rev() {
        let Ok(line) = line.to_str() else { return client };
        for hop in line.rsplit(',').map(str::trim).filter(|hop| !hop.is_empty()) {
            if !is_trusted(client, proxies) {
                return client;
            }
            match parse(hop) {
                Some(address) => client = address,
                // Such as `unknown`: the proxy that wrote it is the last known address.
                None => return client,
            }
        }
    }
    client
}

/// Returns the address of the client of a request; the unspecified one if it is not known, as in tests of the router.
pub(crate) fn address_of(request: &Parts, proxies: &[IpNet]) -> IpAddr {
    let peer = request.extensions.get::<Peer>().map(|Peer(peer)| peer.ip());
    peer.map_or(IpAddr::from([0, 0, 0, 0]), |peer| client(peer, &request.headers, proxies))
}

/// Returns true if the request passed through an untrusted proxy, or claims to.
pub(crate) fn is_forwarded(headers: &HeaderMap) -> bool {
    headers.contains_key(FORWARDED_FOR)
}

/// Parses an address with an optional port, as proxies write it.
fn parse(hop: &str) -> Option<IpAddr> {
    let bare = hop.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    let bare = match bare {
        Some(bare) => bare.parse::<Ipv6Addr>().map(IpAddr::from).ok(),
        None => hop.parse::<IpAddr>().ok(),
    };
    let address = bare.or_else(|| hop.parse::<SocketAddr>().ok().map(|socket| socket.ip()));
    address.map(|address| address.to_canonical())
}

/// Returns the network that counts as one client: the address itself or, for IPv6, its /64, which is what a household
/// or a machine gets (RFC 6177).
pub(crate) fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            IpAddr::from([a, b, c, d, 0, 0, 0, 0])
        }
        address @ IpAddr::V4(_) => address,
    }
}

/// Returns the network that shares concurrency limits: the address itself or, for IPv6, its /48, which is what a site
/// gets (RFC 6177). This is no more than an IPv4 address, which can also be shared by a whole site.
pub(crate) fn site(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => {
            let [a, b, c, ..] = address.segments();
            IpAddr::from([a, b, c, 0, 0, 0, 0, 0])
        }
        address @ IpAddr::V4(_) => address,
    }
}

/// The peer address of the connection, added to each request by the accept loop.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Peer(pub(crate) SocketAddr);

/// The base URL: the prefix of `/owner/dataset` in the URLs that the server hands out.
pub(crate) struct BaseUrl(pub(crate) String);

impl FromRequestParts<App> for BaseUrl {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self> {
        Self::of(parts, app)
    }
}

impl BaseUrl {
    /// Returns the configured base URL or, if none is configured, that of the request.
    ///
    /// # Errors
    /// Malformed without a valid `Host`.
    pub(crate) fn of(parts: &Parts, app: &App) -> Result<Self> {
        if let Some(url) = &app.config.public_url {
            return Ok(Self(url.clone()));
        }
        let trusted = is_proxied(&parts.extensions, &app.config.trusted_proxies);
        base(&parts.headers, parts.uri.authority().map(Authority::as_str), trusted).map(Self)
    }
}

/// The client of a request, as shown in lists of sessions.
#[derive(Debug, Clone)]
pub(crate) struct ClientDescription {
    /// `User-Agent`, shortened.
    pub(crate) agent: String,
    /// Address of the client.
    pub(crate) address: String,
}

impl ClientDescription {
    /// Maximum length of the user agent, in characters.
    const AGENT_CHARS: usize = 300;

    pub(crate) fn of(parts: &Parts, app: &App) -> Self {
        let agent = parts.headers.get(USER_AGENT).and_then(|agent| agent.to_str().ok()).unwrap_or_default();
        let agent = agent.chars().filter(|c| !c.is_control()).take(Self::AGENT_CHARS).collect();
        let peer = parts.extensions.get::<Peer>();
        let address = peer.map(|Peer(peer)| client(peer.ip(), &parts.headers, &app.config.trusted_proxies));
        Self { agent, address: address.map(|address| address.to_string()).unwrap_or_default() }
    }
}

impl FromRequestParts<App> for ClientDescription {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self> {
        Ok(Self::of(parts, app))
    }
}

/// Returns true if a host includes a port. The colons of an IPv6 address are in brackets.
fn has_port(host: &str) -> bool {
    host.rsplit_once(']').map_or(host, |(_, rest)| rest).contains(':')
}

/// Builds the base URL from `Host`, or from `X-Forwarded-*` if a trusted proxy sent them.
fn base(headers: &HeaderMap, authority: Option<&str>, trusted: bool) -> Result<String> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    // Each proxy in a chain appends its value; the first one is the client's.
    let forwarded = |name: &str| text(name).filter(|_| trusted).and_then(|list| list.split(',').next()).map(str::trim);
    let host = forwarded("x-forwarded-host").or_else(|| text("host")).or(authority);
    let host = host.ok_or_else(|| Error::malformed("the Host header is missing"))?;
    if host.is_empty() || !host.bytes().all(|b| b.is_ascii_alphanumeric() || b".-_:[]".contains(&b)) {
        return Err(Error::malformed("the Host header is invalid"));
    }
    let scheme = match forwarded("x-forwarded-proto") {
        Some("https") => "https",
        _ => "http",
    };
    let port = forwarded("x-forwarded-port").filter(|port| !has_port(host) && port.parse::<u16>().is_ok());
    let port = port.filter(|port| !matches!((scheme, *port), ("http", "80") | ("https", "443")));
    let prefix = forwarded("x-forwarded-prefix").unwrap_or_default().trim_end_matches('/');
    let prefix = if prefix.starts_with('/') && prefix.bytes().all(|b| b.is_ascii_alphanumeric() || b"/-_.".contains(&b))
    {
        prefix
    } else {
        ""
    };
    let port = port.map(|port| format!(":{port}")).unwrap_or_default();
    Ok(format!("{scheme}://{host}{port}{prefix}"))
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;
    use proptest::prelude::*;

    use super::*;

    fn proxies() -> Vec<IpNet> {
        vec!["10.0.0.0/8".parse().unwrap(), "fd00::/8".parse().unwrap()]
    }

    fn seen(peer: &str, lines: &[&str]) -> String {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(FORWARDED_FOR, HeaderValue::from_str(line).unwrap());
        }
        client(peer.parse().unwrap(), &headers, &proxies()).to_string()
    }

    #[test]
    fn the_last_untrusted_hop_is_the_client() {
        assert_eq!(seen("198.51.100.7", &[]), "198.51.100.7");
        assert_eq!(seen("198.51.100.7", &["1.1.1.1"]), "198.51.100.7", "an untrusted proxy");
        assert_eq!(seen("10.0.0.1", &[]), "10.0.0.1");
        assert_eq!(seen("10.0.0.1", &["203.0.113.5"]), "203.0.113.5");
        assert_eq!(seen("10.0.0.1", &["1.1.1.1, 203.0.113.5"]), "203.0.113.5", "forged by the client");
        assert_eq!(seen("10.0.0.1", &["1.1.1.1", "203.0.113.5,10.0.0.2"]), "203.0.113.5", "two trusted proxies");
        assert_eq!(seen("10.0.0.1", &["203.0.113.5", " "]), "203.0.113.5");
        assert_eq!(seen("10.0.0.1", &["10.0.0.9, 10.0.0.2"]), "10.0.0.9", "an internal client");
        assert_eq!(seen("10.0.0.1", &["203.0.113.5, unknown"]), "10.0.0.1");
        assert_eq!(seen("10.0.0.1", &["203.0.113.5, _hidden, 10.0.0.2"]), "10.0.0.2");
        assert_eq!(seen("::ffff:10.0.0.1", &["::ffff:203.0.113.5"]), "203.0.113.5", "IPv4-mapped IPv6 addresses");
        assert_eq!(seen("fd00::1", &["[2001:db8::5]:4711"]), "2001:db8::5");
    }

    #[test]
    fn invalid_text_is_not_an_address() {
        let mut headers = HeaderMap::new();
        headers.append(FORWARDED_FOR, HeaderValue::from_bytes(b"203.0.113.5\xff").unwrap());
        assert_eq!(client("10.0.0.1".parse().unwrap(), &headers, &proxies()).to_string(), "10.0.0.1");
    }

    #[test]
    fn an_ipv6_network_is_one_client() {
        let network = |text: &str| super::network(text.parse().unwrap()).to_string();
        assert_eq!(network("2001:db8:1:2:3:4:5:6"), "2001:db8:1:2::");
        assert_eq!(network("2001:db8:1:2:ffff::1"), "2001:db8:1:2::");
        assert_ne!(network("2001:db8:1:3::1"), "2001:db8:1:2::");
        assert_eq!(network("203.0.113.5"), "203.0.113.5");
        assert_eq!(network("::ffff:203.0.113.5"), "203.0.113.5", "otherwise all of IPv4 would be one client");
    }

    #[test]
    fn a_site_is_one_client_where_slots_are_few() {
        let site = |text: &str| super::site(text.parse().unwrap()).to_string();
        assert_eq!(site("2001:db8:1:2:3:4:5:6"), "2001:db8:1::");
        assert_eq!(site("2001:db8:1:ffff::1"), "2001:db8:1::");
        assert_ne!(site("2001:db8:2::1"), "2001:db8:1::");
        assert_eq!(site("::ffff:203.0.113.5"), "203.0.113.5");
    }

    fn outsider() -> impl Strategy<Value = IpAddr> {
        any::<IpAddr>().prop_filter("untrusted", |address| !is_trusted(*address, &proxies()))
    }

    fn insider() -> impl Strategy<Value = IpAddr> {
        any::<[u8; 3]>().prop_map(|[a, b, c]| IpAddr::from([10, a, b, c]))
    }

    proptest! {
        #[test]
        fn addresses_are_read_in_all_forms(address: IpAddr, port: u16) {
            let canonical = Some(address.to_canonical());
            prop_assert_eq!(parse(&address.to_string()), canonical);
            prop_assert_eq!(parse(&SocketAddr::new(address, port).to_string()), canonical);
            if address.is_ipv6() {
                prop_assert_eq!(parse(&format!("[{address}]")), canonical);
            }
        }

        /// Whatever a client writes, over however many lines, it cannot forge its address.
        #[test]
        fn no_address_can_be_forged(
            who in outsider(), peer in outsider(),
            invented in prop::collection::vec("[ -~]{0,40}", 0..4),
            inside in prop::collection::vec(insider(), 1..4), apart: bool,
        ) {
            let value = |text: &str| HeaderValue::from_str(text).unwrap();
            let mut headers = HeaderMap::new();
            for line in &invented {
                headers.append(FORWARDED_FOR, value(line));
            }
            prop_assert_eq!(client(peer, &headers, &proxies()), peer.to_canonical());

            // What trusted proxies append, in lines of their own or to the client's.
            let (first, passed) = inside.split_last().unwrap();
            let added: Vec<String> = std::iter::once(&who).chain(passed).map(ToString::to_string).collect();
            if apart {
                for line in &added {
                    headers.append(FORWARDED_FOR, value(line));
                }
            } else {
                headers.insert(FORWARDED_FOR, value(&format!("{},{}", invented.join(","), added.join(", "))));
            }
            prop_assert_eq!(client(*first, &headers, &proxies()), who.to_canonical());
        }

        #[test]
        fn hostile_headers_never_panic(peer: IpAddr, lines in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..60), 0..4)) {
            let mut headers = HeaderMap::new();
            for line in lines.iter().filter_map(|line| HeaderValue::from_bytes(line).ok()) {
                headers.append(FORWARDED_FOR, line);
            }
            client(peer, &headers, &proxies());
            client(peer, &headers, &["0.0.0.0/0".parse().unwrap(), "::/0".parse().unwrap()]);
        }
    }

    fn built(pairs: &[(&'static str, &str)], trusted: bool) -> Result<String> {
        let headers = pairs.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect();
        base(&headers, None, trusted)
    }

    #[test]
    fn forwarded_headers_count_only_from_trusted_proxies() {
        let headers = [
            ("host", "inner:8080"),
            ("x-forwarded-host", "data.example.org, inner"),
            ("x-forwarded-proto", "https"),
            ("x-forwarded-prefix", "/drive/"),
        ];
        assert_eq!(built(&headers, false).unwrap(), "http://inner:8080");
        assert_eq!(built(&headers, true).unwrap(), "https://data.example.org/drive");
        let port = [("host", "h"), ("x-forwarded-port", "8443"), ("x-forwarded-proto", "https")];
        assert_eq!(built(&port, true).unwrap(), "https://h:8443");
    }

    #[test]
    fn hosts_cannot_smuggle() {
        for host in ["a/b", "a\"b", "a b", "", "a@b", "a?b", "a#b"] {
            assert!(built(&[("host", host)], false).is_err(), "{host}");
        }
        assert!(built(&[], false).is_err());
    }
}
