//! Why a call was refused: stable, machine-readable, and said in four languages.

use std::fmt;
use std::str::FromStr;

use crate::language::Language;

macro_rules! reasons {
    ($($(#[$doc:meta])* $name:ident = $text:literal {
        en: $en:literal, fr: $fr:literal, es: $es:literal, ar: $ar:literal $(,)?
    })*) => {
        /// A reason, `google.rpc.ErrorInfo.reason` on the wire. It never changes its meaning; the
        /// same names stand in `liaison.common.v1.ErrorReason`.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        pub enum Reason { $($(#[$doc])* $name,)* }

        impl Reason {
            /// Every reason.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// The name on the wire.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }

            /// One sentence for the person who reads the refusal. It holds no data of the call.
            #[must_use]
            pub const fn text(self, language: Language) -> &'static str {
                match self {
                    $(Self::$name => match language {
                        Language::En => $en,
                        Language::Fr => $fr,
                        Language::Es => $es,
                        Language::Ar => $ar,
                    },)*
                }
            }
        }
    };
}

reasons! {
    /// A fault of ours. The log holds what happened, under the same trace.
    Internal = "INTERNAL" {
        en: "The service failed. Nothing was changed; try again, and report it if it happens again.",
        fr: "Le service a échoué. Rien n'a été modifié ; réessayez et signalez-le si cela se reproduit.",
        es: "El servicio ha fallado. No se ha modificado nada; inténtelo de nuevo y avise si se repite.",
        ar: "فشلت الخدمة. لم يتغيّر شيء؛ أعد المحاولة وأبلغ إذا تكرّر ذلك.",
    }
    /// A part that is needed does not answer now.
    Unavailable = "UNAVAILABLE" {
        en: "The service cannot be reached at the moment. Try again shortly.",
        fr: "Le service est momentanément injoignable. Réessayez sous peu.",
        es: "El servicio no está disponible en este momento. Inténtelo de nuevo en breve.",
        ar: "يتعذّر الوصول إلى الخدمة حالياً. أعد المحاولة بعد قليل.",
    }
    /// The service has as much work as it takes at once.
    Overloaded = "OVERLOADED" {
        en: "The service is busy. Try again after the time given.",
        fr: "Le service est saturé. Réessayez après le délai indiqué.",
        es: "El servicio está saturado. Inténtelo de nuevo tras el tiempo indicado.",
        ar: "الخدمة مشغولة. أعد المحاولة بعد المدة المذكورة.",
    }
    /// This party calls more often than it may.
    RateLimited = "RATE_LIMITED" {
        en: "Too many calls from your organisation. Try again after the time given.",
        fr: "Trop d'appels de votre organisation. Réessayez après le délai indiqué.",
        es: "Demasiadas llamadas de su organización. Inténtelo de nuevo tras el tiempo indicado.",
        ar: "عدد كبير جداً من الطلبات من مؤسستكم. أعد المحاولة بعد المدة المذكورة.",
    }
    /// The time given for the call ran out. Whether it took effect is not known.
    DeadlineExceeded = "DEADLINE_EXCEEDED" {
        en: "The call took longer than allowed. Repeat it with the same request id.",
        fr: "L'appel a dépassé le temps imparti. Répétez-le avec le même identifiant de requête.",
        es: "La llamada superó el tiempo permitido. Repítala con el mismo identificador de solicitud.",
        ar: "استغرق الطلب وقتاً أطول من المسموح. كرّره بمعرّف الطلب نفسه.",
    }
    /// The caller went away.
    Cancelled = "CANCELLED" {
        en: "The call was cancelled by the caller.",
        fr: "L'appel a été annulé par l'appelant.",
        es: "La llamada fue cancelada por quien llamaba.",
        ar: "ألغى المتصل الطلب.",
    }
    /// No certificate, or one that names no party.
    CertificateInvalid = "CERTIFICATE_INVALID" {
        en: "Your certificate does not name a party of this system.",
        fr: "Votre certificat ne désigne aucune partie de ce système.",
        es: "Su certificado no identifica a ninguna parte de este sistema.",
        ar: "شهادتكم لا تدل على طرف في هذا النظام.",
    }
    /// One side of a connection does not accept the certificate of the other.
    CertificateRejected = "CERTIFICATE_REJECTED" {
        en: "One side does not accept the other's certificate. Check how long both are valid, and who issued them.",
        fr: "L'une des parties n'accepte pas le certificat de l'autre. Vérifiez leur validité et qui les a émis.",
        es: "Una de las partes no acepta el certificado de la otra. Compruebe su validez y quién los emitió.",
        ar: "أحد الطرفين لا يقبل شهادة الآخر. تحققوا من مدة صلاحيتهما ومن جهة إصدارهما.",
    }
    /// The content was purged; what is left is the envelope and the history.
    ContentPurged = "CONTENT_PURGED" {
        en: "The content of this referral was destroyed. Its envelope and its history remain.",
        fr: "Le contenu de ce dossier a été détruit. Son enveloppe et son historique subsistent.",
        es: "El contenido de esta remisión fue destruido. Quedan sus datos de envío y su historial.",
        ar: "أُتلف محتوى هذه الإحالة. تبقى بياناتها العامة وسجلها.",
    }
    /// This party may not call this method.
    CallerNotAllowed = "CALLER_NOT_ALLOWED" {
        en: "Your organisation may not use this function.",
        fr: "Votre organisation ne peut pas utiliser cette fonction.",
        es: "Su organización no puede usar esta función.",
        ar: "لا يجوز لمؤسستكم استخدام هذه الوظيفة.",
    }
    /// The method needs an acting officer in the metadata `liaison-officer`.
    OfficerRequired = "OFFICER_REQUIRED" {
        en: "Name the acting officer in the metadata liaison-officer.",
        fr: "Indiquez l'agent responsable dans la métadonnée liaison-officer.",
        es: "Indique el agente responsable en el metadato liaison-officer.",
        ar: "اذكر الضابط المسؤول في البيانات الوصفية liaison-officer.",
    }
    /// Markings, exclusions or mandate forbid it; the metadata names the rules.
    PolicyDenied = "POLICY_DENIED" {
        en: "The rules for this information do not allow it.",
        fr: "Les règles applicables à cette information ne le permettent pas.",
        es: "Las reglas aplicables a esta información no lo permiten.",
        ar: "القواعد المطبقة على هذه المعلومات لا تسمح بذلك.",
    }
    /// The same officer may not do both steps.
    SeparationOfDuties = "SEPARATION_OF_DUTIES" {
        en: "The officer who submitted a referral may not also decide on it.",
        fr: "L'agent qui a soumis un dossier ne peut pas aussi statuer sur celui-ci.",
        es: "El agente que presentó una remisión no puede decidir también sobre ella.",
        ar: "لا يجوز للضابط الذي قدّم الإحالة أن يبتّ فيها أيضاً.",
    }
    /// Fields are wrong; every violation is listed.
    InvalidArgument = "INVALID_ARGUMENT" {
        en: "Some fields are not valid. Each is listed with what is wrong and how to mend it.",
        fr: "Certains champs ne sont pas valides. Chacun est listé avec l'erreur et sa correction.",
        es: "Algunos campos no son válidos. Cada uno se indica con el error y su corrección.",
        ar: "بعض الحقول غير صالحة. كل حقل مذكور مع الخطأ وطريقة تصحيحه.",
    }
    /// The bytes are no message of the schema.
    MalformedMessage = "MALFORMED_MESSAGE" {
        en: "The message cannot be read. Build it from the published schema.",
        fr: "Le message est illisible. Construisez-le à partir du schéma publié.",
        es: "El mensaje no se puede leer. Constrúyalo a partir del esquema publicado.",
        ar: "تعذّرت قراءة الرسالة. أنشئها وفق المخطط المنشور.",
    }
    /// The message is larger than the service takes.
    MessageTooLarge = "MESSAGE_TOO_LARGE" {
        en: "The message is larger than allowed.",
        fr: "Le message dépasse la taille autorisée.",
        es: "El mensaje supera el tamaño permitido.",
        ar: "حجم الرسالة أكبر من المسموح.",
    }
    /// There is no such method, or this version does not have it.
    MethodNotFound = "METHOD_NOT_FOUND" {
        en: "This service has no such function.",
        fr: "Ce service n'offre pas cette fonction.",
        es: "Este servicio no ofrece esa función.",
        ar: "لا توجد هذه الوظيفة في هذه الخدمة.",
    }
    /// Not there, or hidden from this caller; the two are not told apart.
    NotFound = "NOT_FOUND" {
        en: "It does not exist, or you may not see it.",
        fr: "Cet élément n'existe pas ou ne vous est pas visible.",
        es: "No existe o usted no puede verlo.",
        ar: "غير موجود، أو لا يحق لكم الاطلاع عليه.",
    }
    /// The request id was used before with another body.
    RequestIdReused = "REQUEST_ID_REUSED" {
        en: "This request id was already used for another request. Use a new one.",
        fr: "Cet identifiant de requête a déjà servi à une autre requête. Utilisez-en un nouveau.",
        es: "Este identificador de solicitud ya se usó para otra solicitud. Use uno nuevo.",
        ar: "استُخدم معرّف الطلب هذا لطلب آخر. استخدم معرّفاً جديداً.",
    }
    /// The page token is damaged or belongs to another query.
    PageTokenMismatch = "PAGE_TOKEN_MISMATCH" {
        en: "The page token does not belong to this query. Start again without it.",
        fr: "Le jeton de page n'appartient pas à cette requête. Recommencez sans lui.",
        es: "El token de página no pertenece a esta consulta. Empiece de nuevo sin él.",
        ar: "رمز الصفحة لا يخص هذا الاستعلام. ابدأ من جديد بدونه.",
    }
    /// The cursor is damaged or belongs to another party.
    CursorInvalid = "CURSOR_INVALID" {
        en: "The cursor is not one of yours. Resume from the last one you received.",
        fr: "Ce curseur n'est pas le vôtre. Reprenez au dernier curseur reçu.",
        es: "El cursor no es suyo. Reanude desde el último que recibió.",
        ar: "هذا المؤشر ليس لكم. استأنف من آخر مؤشر تلقيته.",
    }
    /// The state machine has no such step from the present state.
    IllegalState = "ILLEGAL_STATE" {
        en: "This step is not possible in the present state.",
        fr: "Cette étape n'est pas possible dans l'état actuel.",
        es: "Este paso no es posible en el estado actual.",
        ar: "هذه الخطوة غير ممكنة في الحالة الراهنة.",
    }
    /// The lease token is not the current one: the lease ran out or somebody else holds it.
    StaleLease = "STALE_LEASE" {
        en: "Your lease is no longer valid. Pull the assignment again.",
        fr: "Votre bail n'est plus valable. Tirez à nouveau l'affectation.",
        es: "Su reserva ya no es válida. Vuelva a extraer la asignación.",
        ar: "لم يعد حجزكم سارياً. اسحب المهمة من جديد.",
    }
    /// The resource was changed since the etag was read.
    StaleEtag = "STALE_ETAG" {
        en: "Somebody changed it meanwhile. Read it again and repeat.",
        fr: "Il a été modifié entre-temps. Relisez-le et recommencez.",
        es: "Alguien lo modificó mientras tanto. Léalo de nuevo y repita.",
        ar: "تم تعديله في هذه الأثناء. اقرأه من جديد ثم كرّر.",
    }
    /// No unit of that name is configured.
    UnknownUnit = "UNKNOWN_UNIT" {
        en: "There is no unit of that name.",
        fr: "Aucune unité ne porte ce nom.",
        es: "No hay ninguna unidad con ese nombre.",
        ar: "لا توجد وحدة بهذا الاسم.",
    }
    /// The unit declined this referral or is excluded by its source.
    UnitExcluded = "UNIT_EXCLUDED" {
        en: "This unit is excluded from this referral.",
        fr: "Cette unité est exclue de ce dossier.",
        es: "Esta unidad está excluida de esta remisión.",
        ar: "هذه الوحدة مستثناة من هذه الإحالة.",
    }
    /// Two changes met and this one lost; nothing was changed.
    Conflict = "CONFLICT" {
        en: "Another change came first. Try again.",
        fr: "Une autre modification est arrivée avant. Réessayez.",
        es: "Otro cambio llegó antes. Inténtelo de nuevo.",
        ar: "سبق تعديل آخر. أعد المحاولة.",
    }
    /// Stored data contradict themselves; people must look.
    InconsistentData = "INCONSISTENT_DATA" {
        en: "Stored data are inconsistent. The operators have been told.",
        fr: "Les données enregistrées sont incohérentes. Les exploitants ont été avertis.",
        es: "Los datos almacenados son incoherentes. Se ha avisado a los operadores.",
        ar: "البيانات المخزّنة غير متسقة. أُبلغ المشغّلون.",
    }
    /// A setting is wrong; the process does not start.
    SettingInvalid = "SETTING_INVALID" {
        en: "The settings are not valid.",
        fr: "La configuration n'est pas valide.",
        es: "La configuración no es válida.",
        ar: "الإعدادات غير صالحة.",
    }
}

/// The text is no reason of this version.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown reason")]
pub struct UnknownReason;

impl FromStr for Reason {
    type Err = UnknownReason;
    fn from_str(text: &str) -> Result<Self, UnknownReason> {
        Self::ALL
            .iter()
            .copied()
            .find(|reason| reason.as_str() == text)
            .ok_or(UnknownReason)
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_has_a_name_and_a_sentence_in_each_language() {
        for reason in Reason::ALL {
            assert_eq!(reason.as_str().parse(), Ok(*reason));
            for language in Language::ALL {
                let text = reason.text(language);
                assert!(!text.is_empty() && text.len() < 256, "{reason} {language}");
                let arabic = text.chars().any(|c| ('\u{0600}'..'\u{06ff}').contains(&c));
                assert_eq!(arabic, language == Language::Ar, "{reason} {language}");
            }
        }
    }
}
