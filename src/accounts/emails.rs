//! Texts of the e-mails about accounts.

use crate::mail::OutgoingEmail;
use crate::types::{Email, Millis, OwnerName, Secret};

fn email(to: &Email, subject: &str, text: String) -> OutgoingEmail {
    OutgoingEmail { to: to.clone(), subject: subject.to_owned(), text }
}

/// E-mail to a new user, with the link that creates the account.
pub(super) fn verify(base: &str, to: &Email, name: &OwnerName, ticket: &Secret) -> OutgoingEmail {
    let ticket = ticket.expose();
    email(
        to,
        "Your new account",
        format!(
            "Hello {name},\n\n\
             someone, most likely you, requested an account at {base} with this address. To create it, choose a \
             password:\n\n\
             {base}/verify#{ticket}\n\n\
             The link works once and expires in 24 hours. If this was not you, ignore this e-mail.\n"
        ),
    )
}

/// E-mail to an address that already has an account.
pub(super) fn known_already(base: &str, to: &Email, name: &str) -> OutgoingEmail {
    email(
        to,
        "You already have an account",
        format!(
            "Hello {name},\n\n\
             someone, most likely you, tried to use this address for an account at {base}. It already belongs to the \
             account `{name}`.\n\n\
             Sign in:\n{base}/login\n\n\
             Reset the password:\n{base}/reset\n\n\
             If this was not you, ignore this e-mail.\n"
        ),
    )
}

/// E-mail with a password reset link.
pub(super) fn reset(base: &str, to: &Email, name: &str, ticket: &Secret) -> OutgoingEmail {
    let ticket = ticket.expose();
    email(
        to,
        "Reset your password",
        format!(
            "Hello {name},\n\n\
             someone, most likely you, asked to reset your password at {base}. Choose a new password:\n\n\
             {base}/reset#{ticket}\n\n\
             The link works once and expires in an hour. If this was not you, ignore this e-mail: your password stays \
             the same.\n"
        ),
    )
}

/// Notification that the password was changed.
pub(super) fn password_changed(base: &str, to: &Email, name: &str) -> OutgoingEmail {
    email(
        to,
        "Your password was changed",
        format!(
            "Hello {name},\n\n\
             the password of your account at {base} was changed, and other browsers were signed out. Personal tokens \
             still work.\n\n\
             If this was not you, reset your password at once, and check your tokens, sessions and ways to sign in:\n\
             {base}/reset\n{base}/account\n"
        ),
    )
}

/// Notification of a sign-in with a browser (its name and address) that was not used before.
pub(super) fn new_browser(
    base: &str,
    to: &Email,
    name: &str,
    (browser, address): (String, &str),
    at: Millis,
) -> OutgoingEmail {
    let at = at.in_words();
    email(
        to,
        "New sign-in to your account",
        format!(
            "Hello {name},\n\n\
             someone, most likely you, signed in to your account at {base} with a new browser:\n\n\
             {browser}, from {address}, on {at}\n\n\
             If this was not you, reset your password at once, and check your tokens, sessions and ways to sign in:\n\
             {base}/reset\n{base}/account\n"
        ),
    )
}

/// E-mail with the link that confirms a new address.
pub(super) fn confirm_email(base: &str, to: &Email, name: &str, ticket: &Secret) -> OutgoingEmail {
    let ticket = ticket.expose();
    email(
        to,
        "Confirm your new e-mail address",
        format!(
            "Hello {name},\n\n\
             please confirm this as the new e-mail address of your account at {base}:\n\n\
             {base}/email#{ticket}\n\n\
             The link works once and expires in 24 hours. If this was not you, ignore this e-mail.\n"
        ),
    )
}

/// Notification to the old address that a change was requested.
pub(super) fn email_to_change(base: &str, to: &Email, name: &str, new: &Email) -> OutgoingEmail {
    email(
        to,
        "Your e-mail address is about to change",
        format!(
            "Hello {name},\n\n\
             someone who is signed in to your account at {base} and knows its password asked to change its e-mail \
             address to {new}. The change takes effect when the new address is confirmed.\n\n\
             If this was not you, reset your password now, which also cancels the change:\n{base}/reset\n"
        ),
    )
}

/// Notification to the old address that it was changed.
pub(super) fn email_changed(base: &str, to: &Email, name: &str) -> OutgoingEmail {
    email(
        to,
        "Your e-mail address was changed",
        format!(
            "Hello {name},\n\n\
             the e-mail address of your account at {base} was changed, and e-mails now go to the new address.\n\n\
             If this was not you, contact the administrator of {base}.\n"
        ),
    )
}

/// Notification that two-factor authentication was turned on.
pub(super) fn second_factor_added(base: &str, to: &Email, name: &str) -> OutgoingEmail {
    email(
        to,
        "Two-factor authentication is on",
        format!(
            "Hello {name},\n\n\
             two-factor authentication of your account at {base} was turned on, and all other browsers were signed \
             out. Keep the recovery codes: without the app or a code, only an administrator can let you in.\n\n\
             If this was not you, contact the administrator of {base}.\n"
        ),
    )
}

/// Notification that two-factor authentication was turned off.
pub(super) fn second_factor_removed(base: &str, to: &Email, name: &str) -> OutgoingEmail {
    email(
        to,
        "Two-factor authentication is off",
        format!(
            "Hello {name},\n\n\
             two-factor authentication of your account at {base} was turned off.\n\n\
             If you did not ask for this, reset your password now and turn it on again:\n{base}/reset\n"
        ),
    )
}

/// Notification that the account can be signed in to in another way.
pub(super) fn sign_in_added(base: &str, to: &Email, name: &str, way: &str) -> OutgoingEmail {
    email(
        to,
        "A new way to sign in to your account",
        format!(
            "Hello {name},\n\n\
             your account at {base} can now be signed in to with {way}.\n\n\
             If this was not you, remove it under \"Ways to sign in\", and sign out all other sessions:\n{base}/account\n"
        ),
    )
}

/// Notification that a way to sign in was removed.
pub(super) fn sign_in_removed(base: &str, to: &Email, name: &str, way: &str) -> OutgoingEmail {
    email(
        to,
        "A way to sign in to your account was removed",
        format!(
            "Hello {name},\n\n\
             your account at {base} can no longer be signed in to with {way}.\n\n\
             If this was not you, check the account now, and contact the administrator of {base}:\n{base}/account\n"
        ),
    )
}

/// Notification that a recovery code was used.
pub(super) fn recovery_code_used(base: &str, to: &Email, name: &str, left: usize) -> OutgoingEmail {
    email(
        to,
        "A recovery code was used",
        format!(
            "Hello {name},\n\n\
             someone signed in to your account at {base} with a recovery code. {left} recovery codes \
             are left; you can get new ones on the account page.\n\n\
             If this was not you, reset your password now:\n{base}/reset\n"
        ),
    )
}

/// Notification that the account was closed.
pub(super) fn closed(base: &str, to: &Email, name: &str, removal: Millis) -> OutgoingEmail {
    let removal = removal.rfc3339();
    email(
        to,
        "Your account was closed",
        format!(
            "Hello {name},\n\n\
             your account at {base} was closed. The account and its tokens can no longer be used. It will be deleted \
             permanently, with its datasets, at {removal}.\n\n\
             To reopen it, sign in before then:\n{base}/login\n"
        ),
    )
}

/// Notification that the account was removed.
pub(super) fn removed(base: &str, to: &Email, name: &str) -> OutgoingEmail {
    email(
        to,
        "Your account was removed",
        format!(
            "Hello {name},\n\n\
             your account at {base} was deleted with its datasets, as announced when you closed it. You will not get \
             any more e-mails from us.\n"
        ),
    )
}
