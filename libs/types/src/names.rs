//! Enums whose values have a public name.

/// The text names no value of this enum.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("unknown name")]
pub struct UnknownName;

/// Makes enums whose values have one spelling, which databases, logs and the schema (without its
/// prefix) share. Each has `ALL`, `as_str`, `Display` and `FromStr`, and its values are ordered as they
/// stand here.
///
/// ```
/// liaison_types::names! {
///     /// How it went.
///     Ending {
///         /// Well.
///         Good = "GOOD",
///         /// Not well.
///         Bad = "BAD",
///     }
/// }
/// assert_eq!("BAD".parse(), Ok(Ending::Bad));
/// assert_eq!(Ending::ALL, [Ending::Good, Ending::Bad]);
/// assert_eq!(Ending::Good.as_str(), "GOOD");
/// ```
#[macro_export]
macro_rules! names {
    ($($(#[$attribute:meta])* $name:ident {
        $($(#[$value_attribute:meta])* $variant:ident = $text:literal,)*
    })*) => {$(
        $(#[$attribute])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        pub enum $name {
            $($(#[$value_attribute])* $variant,)*
        }

        impl $name {
            /// Every value, in ascending order.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// The public name.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text,)* }
            }
        }

        impl ::std::str::FromStr for $name {
            type Err = $crate::names::UnknownName;
            fn from_str(text: &str) -> ::std::result::Result<Self, Self::Err> {
                match text {
                    $($text => Ok(Self::$variant),)*
                    _ => Err($crate::names::UnknownName),
                }
            }
        }

        impl ::std::fmt::Display for $name {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                f.write_str(self.as_str())
            }
        }
    )*};
}
