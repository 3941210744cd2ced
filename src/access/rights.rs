//! Rights on datasets, as types and as a set.

mod sealed {
    pub trait Sealed {}
}

/// A right on a dataset, as a type. Sealed: the five below are all there are.
pub trait Right: sealed::Sealed + Send + Sync + 'static {
    /// The set of rights that this right includes.
    const RIGHTS: Rights;
    /// Verb for messages and the audit trail.
    const NAME: &'static str;
}

/// `Self` includes `R`, so a grant of it may be used as a grant of `R`.
pub trait Includes<R: Right>: Right {}

/// A set of rights.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Rights(u8);

impl Rights {
    /// The empty set.
    pub const NONE: Self = Self(0);
    /// All rights.
    pub const ALL: Self = Own::RIGHTS.with(Fetch::RIGHTS);

    /// Returns the union of both sets.
    #[must_use]
    pub const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Returns the intersection of both sets.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// Returns true if this set contains all of `other`.
    pub const fn has(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }
}

macro_rules! right {
    ($(#[$meta:meta])* $name:ident, $text:literal, $own:literal $(, $included:ident)*) => {
        $(#[$meta])*
        #[derive(Debug)]
        pub enum $name {}
        impl sealed::Sealed for $name {}
        impl Right for $name {
            const RIGHTS: Rights = Rights($own)$(.with($included::RIGHTS))*;
            const NAME: &'static str = $text;
        }
        $(impl Includes<$included> for $name {})*
    };
}

right! {
    /// Read names, history and schema.
    Read, "read", 1
}
right! {
    /// Download file contents. No other right includes it: code that sends bytes must ask for it by name.
    Fetch, "download from", 2, Read
}
right! {
    /// Upload objects, without changing the dataset.
    Upload, "upload to", 4, Read
}
right! {
    /// Create revisions.
    Write, "write to", 8, Upload, Read
}
right! {
    /// Delete the dataset, protect branches, rewrite history, share.
    Own, "administer", 16, Write, Upload, Read
}
