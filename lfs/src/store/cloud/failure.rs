//! Errors of bucket requests, with advice on what to do about them.

use crate::Error;

const FORBIDDEN: &str =
    "access denied or unknown key: grant the key read, write, delete and list access to this bucket";

/// A request that failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Failure {
    /// HTTP status; `None` if there was no response.
    pub(super) status: Option<u16>,
    /// Error code of the store, as in `AccessDenied`; may be empty.
    pub(super) code: String,
    /// Error message of the store.
    pub(super) message: String,
}

impl Failure {
    /// Returns a failure without a response.
    pub(super) fn silence(message: impl Into<String>) -> Self {
        Self { status: None, code: String::new(), message: message.into() }
    }

    /// Returns the failure for an error response. All providers respond in XML, with `Code` and `Message`.
    pub(super) fn answered(status: u16, body: &str) -> Self {
        let code = element(body, "Code").unwrap_or_default().to_owned();
        let without_markup = || body.chars().filter(|character| !character.is_control()).take(200).collect();
        let message = element(body, "Message").map_or_else(without_markup, str::to_owned);
        // Azure's messages continue with an id and the time of the request.
        let message = message.lines().next().unwrap_or_default().trim().to_owned();
        Self { status: Some(status), code, message }
    }

    /// Returns the probable cause and what to do, if known.
    pub(super) fn advice(&self) -> Option<&'static str> {
        // Garage uses one code for every rejection.
        let code = match self.message.to_ascii_lowercase() {
            _ if self.code != "AccessDenied" => self.code.as_str(),
            message if message.contains("signature") => "SignatureDoesNotMatch",
            message if message.contains("no such key") => "InvalidAccessKeyId",
            message if message.contains("expired") || message.contains("too old") => "RequestTimeTooSkewed",
            _ => "AccessDenied",
        };
        Some(match code {
            "RequestTimeTooSkewed" | "RequestExpired" => "the clock of this machine is wrong: synchronize it with NTP",
            "InvalidAccessKeyId" | "NoSuchKeyId" => {
                "unknown key id: AWS_ACCESS_KEY_ID belongs to another store, or the key was deleted"
            }
            "SignatureDoesNotMatch" => {
                "the secret key does not match the key id, or a proxy changes the request or its Host \
                 header"
            }
            "AuthenticationFailed" | "InvalidAuthenticationInfo" => {
                "the account key or the clock of this machine is wrong, or a proxy changes the request"
            }
            "NoSuchBucket" | "ContainerNotFound" => {
                "the bucket does not exist: check its name and the endpoint, or create it"
            }
            "PermanentRedirect" | "AuthorizationHeaderMalformed" | "IllegalLocationConstraintException" => {
                "the bucket is in another region than configured, or has another endpoint"
            }
            "AuthorizationPermissionMismatch" | "InsufficientAccountPermissions" | "AllAccessDisabled" => {
                "access denied: grant the key read, write, delete and list access"
            }
            "AccessDenied" => FORBIDDEN,
            "ExpiredToken" | "InvalidToken" => "the temporary credentials have expired: get new ones",
            "KeyBasedAuthenticationNotPermitted" => "the account does not allow access keys: enable them",
            "AccountIsDisabled" => "the account is disabled: see the console of the provider",
            "SlowDown" | "ServerBusy" | "TooManyRequests" => "the store is overloaded: try again later",
            "XAmzContentSHA256Mismatch" | "BadDigest" | "InvalidDigest" | "Md5Mismatch" => {
                "the bytes were changed in transit"
            }
            _ => match self.status {
                None => "check the endpoint, DNS, and that the store is running",
                Some(301 | 307 | 308) => "the bucket is in another region than configured, or has another endpoint",
                Some(401 | 403) => FORBIDDEN,
                Some(405 | 501) => "the store does not support this request",
                Some(500..) => "the store has an internal error: check its log",
                Some(_) => return None,
            },
        })
    }

    /// Returns true if the object does not exist, in a bucket that does.
    pub(super) fn is_missing(&self) -> bool {
        self.status == Some(404) && !matches!(self.code.as_str(), "NoSuchBucket" | "ContainerNotFound")
    }

    /// Returns true if retrying the request may succeed.
    pub(super) fn passes(&self) -> bool {
        matches!(self.status, None | Some(408 | 429 | 500 | 502..=504)) || self.code == "OperationAborted"
    }
}

impl std::fmt::Display for Failure {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match (self.status, self.code.as_str()) {
            (Some(status), "") => write!(formatter, "status {status}")?,
            (Some(status), code) => write!(formatter, "{code} (status {status})")?,
            (None, _) => formatter.write_str("no response")?,
        }
        if !self.message.is_empty() {
            write!(formatter, ": {}", self.message)?;
        }
        self.advice().map_or(Ok(()), |advice| write!(formatter, "; {advice}"))
    }
}

impl std::error::Error for Failure {}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        Self::Unavailable(Box::new(failure))
    }
}

impl From<object_store::Error> for Failure {
    /// The text of the error is the only source for the response of the store.
    fn from(error: object_store::Error) -> Self {
        const MARK: &str = "status code: ";
        let text = causes(&error);
        let status = match &error {
            object_store::Error::PermissionDenied { .. } => Some(403),
            object_store::Error::Unauthenticated { .. } => Some(401),
            object_store::Error::NotFound { .. } => Some(404),
            object_store::Error::Precondition { .. } => Some(412),
            _ => None,
        };
        let status = text
            .split_once(MARK)
            .and_then(|(_, rest)| rest.get(..3)?.parse().ok())
            .or_else(|| text.contains("redirect without LOCATION").then_some(301))
            .or(status);
        match (status, element(&text, "Code")) {
            (Some(status), Some(_)) => Self::answered(status, &text),
            // Responses to HEAD have no body.
            (Some(status), None) => Self { status: Some(status), code: String::new(), message: String::new() },
            (None, _) => Self::silence(text.rsplit(" - ").next().unwrap_or_default()),
        }
    }
}

/// Formats an error with its causes in one line.
pub(super) fn causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text = format!("{text}: {cause_text}");
        }
        source = cause.source();
    }
    text
}

/// Returns the text of the first such element, without decoding entities.
fn element<'a>(body: &'a str, name: &str) -> Option<&'a str> {
    let (_, rest) = body.split_once(&format!("<{name}>"))?;
    Some(rest.split_once("</")?.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn error_responses_of_the_clouds_are_parsed() {
        let amazon = "<?xml version=\"1.0\"?><Error><Code>RequestTimeTooSkewed</Code><Message>The difference is too \
                      large.</Message><RequestId>4</RequestId></Error>";
        let failure = Failure::answered(403, amazon);
        assert_eq!(
            (failure.code.as_str(), failure.message.as_str()),
            ("RequestTimeTooSkewed", "The difference is too large.")
        );
        assert!(failure.advice().unwrap().contains("clock"));
        assert!(!failure.passes());
        let azure = "\u{feff}<?xml version=\"1.0\"?><Error><Code>ServerBusy</Code><Message>Busy.\nRequestId:1\n\
                     Time:2</Message></Error>";
        let failure = Failure::answered(503, azure);
        assert_eq!(failure.to_string(), "ServerBusy (status 503): Busy.; the store is overloaded: try again later");
        assert!(failure.passes());
        assert_eq!(Failure::answered(404, "not\nhere").message, "nothere");
        assert_eq!(Failure::answered(418, "").to_string(), "status 418");
    }

    #[test]
    fn each_refusal_states_a_remedy() {
        for (status, code, message, words) in [
            (403, "RequestTimeTooSkewed", "", "clock"),
            (403, "AccessDenied", "", "access denied"),
            (403, "AccessDenied", "Forbidden: Invalid signature", "secret key"),
            (403, "AccessDenied", "Forbidden: No such key: GK1", "key id"),
            (403, "AccessDenied", "Request has expired", "clock"),
            (403, "InvalidAccessKeyId", "", "key id"),
            (403, "SignatureDoesNotMatch", "", "secret key"),
            (404, "NoSuchBucket", "", "does not exist"),
            (404, "ContainerNotFound", "", "does not exist"),
            (301, "PermanentRedirect", "", "region"),
            (400, "AuthorizationHeaderMalformed", "the region 'x' is wrong", "region"),
            (403, "AuthenticationFailed", "", "account key"),
            (403, "", "", "access denied"),
            (500, "", "", "its log"),
            (501, "NotImplemented", "", "does not support"),
        ] {
            let failure = Failure { status: Some(status), code: code.into(), message: message.into() };
            assert!(failure.to_string().contains(words), "{failure}");
        }
        assert!(Failure::silence("refused").to_string().contains("endpoint"));
    }

    #[test]
    fn wrapped_errors_are_found() {
        let cause = "Error performing GET http://127.0.0.1/data in 1ms - Server returned non-2xx status code: 403 \
                     Forbidden: <Error><Code>AccessDenied</Code><Message>no</Message></Error>";
        let error = object_store::Error::PermissionDenied { path: "a".into(), source: cause.into() };
        assert_eq!(
            Failure::from(error),
            Failure { status: Some(403), code: "AccessDenied".into(), message: "no".into() }
        );
        let cause = "Error performing HEAD http://127.0.0.1/data in 1ms - HTTP error: error sending request";
        let error = object_store::Error::Generic { store: "S3", source: cause.into() };
        assert_eq!(Failure::from(error), Failure::silence("HTTP error: error sending request"));
    }
}
