//! What can be allowed, as types and as a set.

mod sealed {
    pub trait Sealed {}
}

/// A right on a dataset, at the level of types. Sealed: the five below are all.
pub trait Right: sealed::Sealed + Send + Sync + 'static {
    /// What having this right includes.
    const RIGHTS: Rights;
    /// For messages and the audit trail.
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
    /// Everything there is.
    pub const ALL: Self = Own::RIGHTS.with(Fetch::RIGHTS);

    /// Both sets together.
    #[must_use]
    pub const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// What is in both sets.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// Whether all of `other` is in this set.
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
    /// Names, history, schema.
    Read, "read", 1
}
right! {
    /// Raw bytes. Never implied: whoever hands out bytes asks for it by name.
    Fetch, "download from", 2, Read
}
right! {
    /// Bring objects, without changing what the dataset says.
    Upload, "upload to", 4, Read
}
right! {
    /// Make revisions.
    Write, "write to", 8, Upload, Read
}
right! {
    /// Delete, protect, rewrite history, share.
    Own, "administer", 16, Write, Upload, Read
}
