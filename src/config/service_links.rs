//! Kubernetes service links: the variables that Kubernetes adds to the environment of each pod, for every Service of its
//! namespace. Those of a Service named `rutter` begin as our own keys do, and are no configuration.
//!
//! <https://kubernetes.io/docs/concepts/services-networking/service/#environment-variables>

/// The names of the service links among all variables. Each family of them has a `…_SERVICE_HOST`; without it, nothing
/// is taken for one, so a misspelt key is still an error.
pub(super) fn service_links(environment: &[(String, String)]) -> Vec<String> {
    let host = |(name, _): &(String, String)| Some(name.strip_suffix("SERVICE_HOST")?.to_owned());
    let services: Vec<String> =
        environment.iter().filter_map(host).filter(|service| service.starts_with("RUTTER_")).collect();
    let is_link = |name: &str, value: &str| {
        services.iter().filter_map(|service| name.strip_prefix(service.as_str())).any(|rest| {
            // As an address, for `RUTTER_PORT=8080` is somebody's mistake.
            let is_port = (rest == "PORT" || rest.starts_with("PORT_")) && (rest != "PORT" || value.contains("://"));
            is_port || ["SERVICE_HOST", "SERVICE_PORT"].contains(&rest) || rest.starts_with("SERVICE_PORT_")
        })
    };
    let links = environment.iter().filter(|(name, value)| is_link(name, value));
    links.map(|(name, _)| name.clone()).collect()
}
