//! Kubernetes service links: environment variables that Kubernetes adds to each pod, for every Service of its namespace.
//! Those of a Service named `rutter` have the prefix of our own keys, but are not configuration.
//!
//! <https://kubernetes.io/docs/concepts/services-networking/service/#environment-variables>

/// Returns the names of the service links among all variables. Each Service has a `…_SERVICE_HOST`; without it, a
/// variable is not a service link, so a misspelt key is still an error.
pub(super) fn service_links(environment: &[(String, String)]) -> Vec<String> {
    let host = |(name, _): &(String, String)| Some(name.strip_suffix("SERVICE_HOST")?.to_owned());
    let services: Vec<String> =
        environment.iter().filter_map(host).filter(|service| service.starts_with("RUTTER_")).collect();
    let is_link = |name: &str, value: &str| {
        services.iter().filter_map(|service| name.strip_prefix(service.as_str())).any(|rest| {
            // It must be a URL: `RUTTER_PORT=8080` is a mistake of the operator.
            let is_port = (rest == "PORT" || rest.starts_with("PORT_")) && (rest != "PORT" || value.contains("://"));
            is_port || ["SERVICE_HOST", "SERVICE_PORT"].contains(&rest) || rest.starts_with("SERVICE_PORT_")
        })
    };
    let links = environment.iter().filter(|(name, value)| is_link(name, value));
    links.map(|(name, _)| name.clone()).collect()
}
