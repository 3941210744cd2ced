//! Users that are signed in with a browser.

use rutter::accounts::sessions::{ClientInfo, SignIn};
use rutter::types::Secret;

use crate::Server;

/// The password of each user that has one.
pub const PASSWORD: &str = "correct horse battery";

fn secret(text: &str) -> Secret {
    Secret::new(text.to_owned())
}

impl Server {
    /// Sets the password of a user and signs in; returns the cookie.
    pub async fn cookie(&self, name: &str) -> String {
        self.app.accounts.set_password(&name.parse().unwrap(), secret(PASSWORD)).await.unwrap();
        self.another_cookie(name).await
    }

    /// Signs in with a further browser; returns the cookie.
    pub async fn another_cookie(&self, name: &str) -> String {
        let visit = ClientInfo { agent: "test".into(), address: "127.0.0.1".into(), ..ClientInfo::default() };
        match self.app.accounts.sign_in(name, secret(PASSWORD), &visit).await.unwrap() {
            SignIn::Done(signed_in) => signed_in.cookie.expose().to_owned(),
            SignIn::SecondStep(_) => panic!("`{name}` has two-factor authentication"),
        }
    }
}
