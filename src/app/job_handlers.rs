//! Handlers of background jobs.

use std::time::Duration;

use futures::FutureExt as _;

use crate::access::Access;
use crate::accounts::Accounts;
use crate::accounts::close_account::AccountCloser;
use crate::apps::Apps;
use crate::check::Checker;
use crate::collect::Collector;
use crate::datasets::Datasets;
use crate::discussions::Discussions;
use crate::error::Result;
use crate::jobs::{Kind, Perform};
use crate::mail::Mailer;
use crate::oauth::OAuth;
use crate::pack::Packer;
use crate::share::Shares;
use crate::storage::Storage;
use crate::tables::Conversions;

/// How long denied requests stay in the audit trail; other entries are kept forever.
const REFUSALS_KEPT: Duration = Duration::from_hours(90 * 24);

/// The services that handle jobs.
#[derive(Clone)]
pub(super) struct JobHandlers {
    pub(super) access: Access,
    pub(super) accounts: Accounts,
    pub(super) departures: AccountCloser,
    pub(super) drive: Datasets,
    pub(super) discussions: Discussions,
    pub(super) shares: Shares,
    pub(super) storage: Storage,
    pub(super) collector: Collector,
    pub(super) checker: Checker,
    pub(super) packer: Packer,
    pub(super) oauth: OAuth,
    pub(super) apps: Apps,
    pub(super) conversions: Conversions,
    pub(super) mailer: Mailer,
    /// How long unreferenced packs and temporary files of git are kept.
    pub(super) grace: Duration,
    /// True if garbage collection is enabled.
    pub(super) collects: bool,
}

impl JobHandlers {
    pub(super) fn performing(self) -> Perform {
        Box::new(move |kind, subject| {
            let work = self.clone();
            async move { work.perform(kind, &subject).await }.boxed()
        })
    }

    async fn perform(&self, kind: Kind, subject: &str) -> Result<()> {
        match kind {
            Kind::RepackPacks => self.drive.consolidate(subject.parse()?).await,
            Kind::VerifyObject => self.storage.prove(subject).await,
            Kind::Mail => self.mailer.send_due(subject.parse()?).await,
            Kind::SendPasswordReset => self.accounts.send_reset(&subject.parse()?).await,
            Kind::PurgeAccount => self.departures.remove(subject.parse()?).await,
            Kind::Scrub => self.checker.scrub().await,
            Kind::IndexDataset => self.drive.reindex(subject.parse()?).await,
            Kind::ReindexSearch => self.drive.reindex_stale().await,
            Kind::Collect if !self.collects => Ok(()),
            Kind::Collect => self.collect().await,
            Kind::PackObjects => self.packer.run_due().await,
            Kind::Sweep => self.sweep().await,
            Kind::Derive => self.conversions.run(subject.parse()?).await,
            Kind::ApplyInstall => self.apps.apply_install(subject.parse()?).await,
            Kind::NotifyLink => self.shares.notify(subject.parse()?).await,
            Kind::NotifyDiscussion => self.discussions.notify(subject.parse()?).await,
            Kind::NotifyVersions => self.discussions.notify_versions(subject.parse()?).await,
            Kind::PreinstallApps => self.apps.preinstall(subject.parse()?).await,
            Kind::ReconcileApps => self.apps.reconcile().await,
            Kind::NotifyLogouts => self.oauth.notify_logouts().await,
            Kind::RotateKeys => self.access.keys().ours().rotate().await,
        }
    }

    async fn collect(&self) -> Result<()> {
        let summary = self.collector.run(None, false, |_| {}).await?;
        for problem in &summary.problems {
            tracing::error!(problem, "garbage collection failed");
        }
        tracing::info!(?summary, "garbage collection finished");
        Ok(())
    }

    async fn sweep(&self) -> Result<()> {
        let packs = self.drive.sweep(self.grace).await?;
        let parts = self.storage.reap().await?;
        self.access.forget_refusals(REFUSALS_KEPT).await?;
        self.accounts.forget().await?;
        self.oauth.forget().await?;
        self.mailer.forget().await?;
        self.conversions.forget().await?;
        self.discussions.forget().await?;
        if packs + parts > 0 {
            tracing::info!(packs, parts, "deleted leftovers of pushes and uploads");
        }
        Ok(())
    }
}
