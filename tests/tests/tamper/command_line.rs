//! `verify`, `audit`, `keys` and `referral custody` as their users meet them when something is not as it
//! should be: what is wrong, and what to do about it.
