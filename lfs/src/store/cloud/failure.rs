//! Why a bucket did not do what was asked, in words that say what to do.

use crate::Error;

const FORBIDDEN: &str =
    "the key may not do this, or is not known: give it reading, writing, deleting and listing on this bucket";

/// A request that failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Failure {
    /// Of HTTP; none if there was no answer.
    pub(super) status: Option<u16>,
    /// The store's own name of it, as in `AccessDenied`; may be empty.
    pub(super) code: String,
    /// The store's own words.
    pub(super) message: String,
}

impl Failure {
    /// There was no answer.
    pub(super) fn silence(message: impl Into<String>) -> Self {
        Self { status: None, code: String::new(), message: message.into() }
    }

    /// An answer that says so. All clouds answer in XML, with `Code` and `Message`.
    pub(super) fn answered(status: u16, body: &str) -> Self {
        let code = element(body, "Code").unwrap_or_default().to_owned();
        let without_markup = || body.chars().filter(|character| !character.is_control()).take(200).collect();
        let message = element(body, "Message").map_or_else(without_markup, str::to_owned);
        // Azure's messages go on with an id and the time of the request.
        let message = message.lines().next().unwrap_or_default().trim().to_owned();
        Self { status: Some(status), code, message }
    }

    /// What is known of the cause to be, and what to do.
    pub(super) fn advice(&self) -> Option<&'static str> {
        // Garage has one code for all that it refuses.
        let code = match self.message.to_ascii_lowercase() {
            _ if self.code != "AccessDenied" => self.code.as_str(),
            message if message.contains("signature") => "SignatureDoesNotMatch",
            message if message.contains("no such key") => "InvalidAccessKeyId",
            message if message.contains("expired") || message.contains("too old") => "RequestTimeTooSkewed",
            _ => "AccessDenied",
        };
        Some(match code {
            "RequestTimeTooSkewed" | "RequestExpired" => "the clock of this machine is wrong: have it set by NTP",
            "InvalidAccessKeyId" | "NoSuchKeyId" => {
                "the store does not know the key id: AWS_ACCESS_KEY_ID is of another store, or the key was deleted"
            }
            "SignatureDoesNotMatch" => {
                "the secret key is not that of the key id, or a proxy changes the request or its Host header on the \
                 way"
            }
            "AuthenticationFailed" | "InvalidAuthenticationInfo" => {
                "the account key is wrong, or the clock of this machine is, or a proxy changes the request"
            }
            "NoSuchBucket" | "ContainerNotFound" => {
                "the bucket does not exist there: look at its name and the endpoint, or make it"
            }
            "PermanentRedirect" | "AuthorizationHeaderMalformed" | "IllegalLocationConstraintException" => {
                "the bucket is in another region than configured, or has another endpoint"
            }
            "AuthorizationPermissionMismatch" | "InsufficientAccountPermissions" | "AllAccessDisabled" => {
                "the key is known, but may not do this: give it reading, writing, deleting and listing"
            }
            "AccessDenied" => FORBIDDEN,
            "ExpiredToken" | "InvalidToken" => "the temporary credentials have ended: get new ones",
            "KeyBasedAuthenticationNotPermitted" => "the account does not permit access keys: permit them",
            "AccountIsDisabled" => "the account is disabled: ask the cloud's console why",
            "SlowDown" | "ServerBusy" | "TooManyRequests" => "the store has too much to do: try again later",
            "XAmzContentSHA256Mismatch" | "BadDigest" | "InvalidDigest" | "Md5Mismatch" => {
                "the bytes were changed on the way"
            }
            _ => match self.status {
                None => "look at the endpoint, at DNS, and whether the store runs",
                Some(301 | 307 | 308) => "the bucket is in another region than configured, or has another endpoint",
                Some(401 | 403) => FORBIDDEN,
                Some(405 | 501) => "the store does not know this kind of request",
                Some(500..) => "the store is in trouble: look at its own log",
                Some(_) => return None,
            },
        })
    }

    /// Whether the thing is not there, in a bucket that is.
    pub(super) fn is_missing(&self) -> bool {
        self.status == Some(404) && !matches!(self.code.as_str(), "NoSuchBucket" | "ContainerNotFound")
    }

    /// Whether the same request may go well a moment later.
    pub(super) fn passes(&self) -> bool {
        matches!(self.status, None | Some(408 | 429 | 500 | 502..=504)) || self.code == "OperationAborted"
    }
}

impl std::fmt::Display for Failure {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match (self.status, self.code.as_str()) {
            (Some(status), "") => write!(formatter, "status {status}")?,
            (Some(status), code) => write!(formatter, "{code} (status {status})")?,
            (None, _) => formatter.write_str("no answer")?,
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
    /// Its text is all that says what the store has answered.
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
            // Answers to HEAD have no body.
            (Some(status), None) => Self { status: Some(status), code: String::new(), message: String::new() },
            (None, _) => Self::silence(text.rsplit(" - ").next().unwrap_or_default()),
        }
    }
}

/// An error with what caused it, in one line.
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

/// The text of the first such element, without what stands for markup in it.
fn element<'a>(body: &'a str, name: &str) -> Option<&'a str> {
    let (_, rest) = body.split_once(&format!("<{name}>"))?;
    Some(rest.split_once("</")?.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_of_the_clouds_are_understood() {
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
        assert_eq!(
            failure.to_string(),
            "ServerBusy (status 503): Busy.; the store has too much to do: try again later"
        );
        assert!(failure.passes());
        assert_eq!(Failure::answered(404, "not\nhere").message, "nothere");
        assert_eq!(Failure::answered(418, "").to_string(), "status 418");
    }

    #[test]
    fn each_refusal_says_what_to_do() {
        for (status, code, message, words) in [
            (403, "RequestTimeTooSkewed", "", "clock"),
            (403, "AccessDenied", "", "may not"),
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
            (403, "", "", "may not"),
            (500, "", "", "its own log"),
            (501, "NotImplemented", "", "does not know"),
        ] {
            let failure = Failure { status: Some(status), code: code.into(), message: message.into() };
            assert!(failure.to_string().contains(words), "{failure}");
        }
        assert!(Failure::silence("refused").to_string().contains("endpoint"));
    }

    #[test]
    fn what_a_library_wrapped_is_found() {
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
