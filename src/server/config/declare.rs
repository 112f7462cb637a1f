//! Declares settings: what is known of each, and the groups that they are read into.

use super::form::Form;

pub(super) struct Setting<F: Form> {
    pub(super) about: About,
    pub(super) form: F,
}

/// A setting for `--help`.
#[derive(Clone, Copy, Debug)]
pub struct About {
    /// The environment variable.
    pub name: &'static str,
    /// Its meaning.
    pub meaning: &'static str,
    /// Accepted values.
    pub takes: &'static str,
    /// The default.
    pub default: Default,
    pub(super) secret: bool,
}

/// The default of a setting.
#[derive(Clone, Copy, Debug)]
pub enum Default {
    /// This value.
    Value(&'static str),
    /// A description.
    Words(&'static str),
}

impl Default {
    /// Returns the text.
    #[must_use]
    pub fn text(&self) -> &'static str {
        match self {
            Self::Value(text) | Self::Words(text) => text,
        }
    }

    /// Returns the value, if it is one.
    #[must_use]
    pub fn value(&self) -> Option<&'static str> {
        match self {
            Self::Value(text) => Some(text),
            Self::Words(_) => None,
        }
    }
}

/// Declares a group: a struct with a field for each setting, and how it is read.
///
/// A row: field, type, environment variable, form, accepted values, default, meaning. A default is a value (`default`),
/// or the description of one: `without` for `None`, `empty` for an empty list. `or` names a function of `Host` that
/// computes it.
macro_rules! group {
    ($(#[$doc:meta])* $group:ident {
        $($field:ident: $type:ty = $name:literal, $form:expr,
            $takes:literal, $how:ident $default:literal $(or $computed:ident)? $(, $secret:ident)?,
            $meaning:literal;)*
    }) => {
        $(#[$doc])*
        pub struct $group {
            $(#[doc = $meaning] pub $field: $type,)*
        }

        impl $group {
            const SETTINGS: &[About] = &[
                $(about!($name, $takes, $how $default, [$($secret)?], $meaning)),*
            ];

            pub(super) fn read(env: &Env<'_>) -> Result<Self, ConfigError> {
                Ok(Self {
                    $($field: read_setting!(
                        env,
                        &Setting {
                            about: about!($name, $takes, $how $default, [$($secret)?], $meaning),
                            form: $form,
                        },
                        $how $($computed)?
                    ),)*
                })
            }
        }
    };
}

/// Declares settings that `read` combines. A row is one of a group, with the setting's identifier and the type of its
/// form.
macro_rules! settings {
    ($list:ident {
        $($id:ident: $form_type:ty = $name:literal, $form:expr,
            $takes:literal, $how:ident $default:literal $(, $secret:ident)?,
            $meaning:literal;)*
    }) => {
        $(pub(super) static $id: Setting<$form_type> = Setting {
            about: about!($name, $takes, $how $default, [$($secret)?], $meaning),
            form: $form,
        };)*
        const $list: &[About] = &[
            $(about!($name, $takes, $how $default, [$($secret)?], $meaning)),*
        ];
    };
}

macro_rules! about {
    ($name:literal, $takes:literal, $how:ident $default:literal, $secret:tt, $meaning:literal) => {
        About {
            name: $name,
            meaning: $meaning,
            takes: $takes,
            default: about!(@$how $default),
            secret: about!(@secret $secret),
        }
    };
    (@default $text:literal) => { Default::Value($text) };
    (@without $text:literal) => { Default::Words($text) };
    (@empty $text:literal) => { Default::Words($text) };
    (@secret [secret]) => { true };
    (@secret []) => { false };
}

macro_rules! read_setting {
    ($env:ident, $setting:expr, default) => {
        $env.read($setting)?
    };
    ($env:ident, $setting:expr, without) => {
        $env.find($setting)?
    };
    ($env:ident, $setting:expr, empty) => {
        $env.find($setting)?.unwrap_or_default()
    };
    ($env:ident, $setting:expr, $how:ident $computed:ident) => {
        $env.read_or($setting, $env.host.$computed())?
    };
}
