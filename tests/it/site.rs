//! Health, metrics, public keys.

use crate::harness::story;

story! {
    async fn the_operator_sees_that_it_works(server: Server) {
        for path in ["/healthz", "/readyz", "/metrics", "/.well-known/jwks.json"] {
            let response = server.request("GET", path, None).send().await.unwrap();
            assert_eq!(response.status(), 200, "{path}");
            assert!(response.headers().contains_key("x-request-id"), "{path}");
        }
        let metrics = server.request("GET", "/metrics", None).send().await.unwrap().text().await.unwrap();
        assert!(metrics.contains("rutter_http_requests_total"), "{metrics}");
    }
}
