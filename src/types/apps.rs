//! States of installed apps.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::error::Error;

text_enum! {
    /// What an installed app should be.
    WantedState, "state to ask for" {
        /// Its container runs.
        Running = "running",
        /// Its container is paused.
        Paused = "paused",
        /// It has no container.
        Stopped = "stopped",
        /// It is being uninstalled.
        Removed = "removed",
    }
}

text_enum! {
    /// What an installed app is.
    InstallState, "state of an app" {
        /// Its image is being downloaded for the first time.
        Installing = "installing",
        /// It has no container.
        Stopped = "stopped",
        /// Its container does not answer yet.
        Starting = "starting",
        /// It answers.
        Running = "running",
        /// Its container is paused.
        Paused = "paused",
        /// It could not be started; the reason says why.
        Failed = "failed",
    }
}
