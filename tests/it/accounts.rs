//! People and their accounts: how they come, sign in, stay and go. Beside them somebody who guesses, steals and listens.

use std::time::Duration;

use rutter::accounts::tickets::{self, Purpose};
use rutter::types::Secret;

use crate::harness::story;

story! {
    async fn a_ticket_is_good_for_one_thing_once_and_for_a_time(server: Server) {
        let (db, clock) = (&server.app.db, &server.clock);
        let issue = async |purpose| {
            let mut tx = db.write().await.unwrap();
            let hour = Duration::from_hours(1);
            let (_, ticket) = tickets::issue(&mut tx, clock, purpose, &"ada@example.org", None, hour).await.unwrap();
            tx.commit().await.unwrap();
            ticket
        };
        let redeem = async |purpose, ticket: &Secret, commit: bool| {
            let mut tx = db.write().await.unwrap();
            let redeemed = tickets::redeem::<String>(&mut tx, clock, purpose, ticket).await;
            if commit && redeemed.is_ok() {
                tx.commit().await.unwrap();
            }
            redeemed.map(|ticket| ticket.subject).map_err(|error| error.to_string())
        };
        let ticket = issue(Purpose::Reset).await;
        let refusal = redeem(Purpose::SignUp, &ticket, true).await.unwrap_err();
        // What fails half way leaves it good.
        assert_eq!(redeem(Purpose::Reset, &ticket, false).await.unwrap(), "ada@example.org");
        assert_eq!(redeem(Purpose::Reset, &ticket, true).await.unwrap(), "ada@example.org");
        assert_eq!(redeem(Purpose::Reset, &ticket, true).await.unwrap_err(), refusal);
        assert_eq!(redeem(Purpose::Reset, &Secret::new("ruk_x".into()), true).await.unwrap_err(), refusal);

        let (late, both) = (issue(Purpose::Email).await, issue(Purpose::Email).await);
        let (first, second) =
            tokio::join!(redeem(Purpose::Email, &both, true), redeem(Purpose::Email, &both, true));
        assert_eq!(usize::from(first.is_ok()) + usize::from(second.is_ok()), 1);
        clock.advance(Duration::from_hours(1));
        assert_eq!(redeem(Purpose::Email, &late, true).await.unwrap_err(), refusal);
    }
}
