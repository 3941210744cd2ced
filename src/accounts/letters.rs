//! What the letters about accounts say.

use crate::mail::Letter;
use crate::types::{Email, Millis, OwnerName, Secret};

fn letter(to: &Email, subject: &str, text: String) -> Letter {
    Letter { to: to.clone(), subject: subject.to_owned(), text }
}

/// The link that makes the account.
pub(super) fn verify(base: &str, to: &Email, name: &OwnerName, ticket: &Secret) -> Letter {
    let ticket = ticket.expose();
    letter(
        to,
        "Your new account",
        format!(
            "Hello {name},\n\n\
             somebody, most likely you, asked for an account at {base} with this address. Choose a password here, and \
             the account is made:\n\n\
             {base}/verify#{ticket}\n\n\
             The link is good once, for 24 hours. If it was not you, there is nothing to do.\n"
        ),
    )
}

/// The same for an address that has an account.
pub(super) fn known_already(base: &str, to: &Email, name: &str) -> Letter {
    letter(
        to,
        "You have an account already",
        format!(
            "Hello {name},\n\n\
             somebody, most likely you, gave this address at {base} for an account. It has one already: `{name}`.\n\n\
             Sign in:\n{base}/login\n\n\
             Forgot the password:\n{base}/reset\n\n\
             If it was not you, there is nothing to do.\n"
        ),
    )
}

/// The link that leads to another password.
pub(super) fn reset(base: &str, to: &Email, name: &str, ticket: &Secret) -> Letter {
    let ticket = ticket.expose();
    letter(
        to,
        "Choose another password",
        format!(
            "Hello {name},\n\n\
             somebody, most likely you, asked to choose another password at {base}:\n\n\
             {base}/reset#{ticket}\n\n\
             The link is good once, for an hour. If it was not you, there is nothing to do: the password stays what it \
             is.\n"
        ),
    )
}

/// The password is another one.
pub(super) fn password_changed(base: &str, to: &Email, name: &str) -> Letter {
    letter(
        to,
        "Your password was changed",
        format!(
            "Hello {name},\n\n\
             the password of your account at {base} was changed, and other browsers were signed out. Personal tokens are \
             as good as before.\n\n\
             If it was not you, choose another password at once, and look through your tokens and sessions:\n\
             {base}/reset\n{base}/account\n"
        ),
    )
}

/// The link that shows that an address is one's own.
pub(super) fn confirm_email(base: &str, to: &Email, name: &str, ticket: &Secret) -> Letter {
    let ticket = ticket.expose();
    letter(
        to,
        "Confirm your new address",
        format!(
            "Hello {name},\n\n\
             this is to be the address of your account at {base}. Confirm it:\n\n\
             {base}/email#{ticket}\n\n\
             The link is good once, for 24 hours. If it was not you, there is nothing to do.\n"
        ),
    )
}

/// The address is to be another one.
pub(super) fn email_to_change(base: &str, to: &Email, name: &str, new: &Email) -> Letter {
    letter(
        to,
        "Your address is to change",
        format!(
            "Hello {name},\n\n\
             somebody who is signed in to your account at {base} and knows its password asked to change its address to \
             {new}. It changes when that address is confirmed.\n\n\
             If it was not you, choose another password now, which also stops the change:\n{base}/reset\n"
        ),
    )
}

/// The address is another one.
pub(super) fn email_changed(base: &str, to: &Email, name: &str) -> Letter {
    letter(
        to,
        "Your address was changed",
        format!(
            "Hello {name},\n\n\
             the address of your account at {base} is another one now, and letters go there from now on.\n\n\
             If it was not you, turn to who runs {base}.\n"
        ),
    )
}

/// The account was closed.
pub(super) fn closed(base: &str, to: &Email, name: &str, removal: Millis) -> Letter {
    let removal = removal.rfc3339();
    letter(
        to,
        "Your account was closed",
        format!(
            "Hello {name},\n\n\
             your account at {base} was closed. Nobody can use it or its tokens any more. It is removed for good, with \
             its datasets, at {removal}.\n\n\
             Sign in before that, and it is open again:\n{base}/login\n"
        ),
    )
}

/// The account is gone.
pub(super) fn removed(base: &str, to: &Email, name: &str) -> Letter {
    letter(
        to,
        "Your account was removed",
        format!(
            "Hello {name},\n\n\
             your account at {base} is gone, with its datasets, as was announced when you closed it. This is the last \
             letter.\n"
        ),
    )
}
