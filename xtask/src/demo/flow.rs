//! The five flows of the demo, one for each upstream: what each is called, which link it goes through, what it is about.

/// One flow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Flow {
    ZjGxsz,
    Eduyun,
    SkillTrain,
    Culturedc,
    ZjzwfwSso,
}

impl Flow {
    /// All of them, in the order in which they are shown.
    pub(super) const ALL: [Self; 5] = [Self::ZjGxsz, Self::Eduyun, Self::SkillTrain, Self::Culturedc, Self::ZjzwfwSso];

    /// The connector's name, and the simulator's.
    pub(super) fn connector(self) -> &'static str {
        match self {
            Self::ZjGxsz => "zj-gxsz",
            Self::Eduyun => "eduyun",
            Self::SkillTrain => "skill-train",
            Self::Culturedc => "culturedc",
            Self::ZjzwfwSso => "zjzwfw-sso",
        }
    }

    /// The link's id.
    pub(super) fn link(self) -> &'static str {
        match self {
            Self::ZjGxsz => "zj.nbufe",
            Self::Eduyun => "hz.edu",
            Self::SkillTrain => "train.academy",
            Self::Culturedc => "culture.hall",
            Self::ZjzwfwSso => "gov.sso",
        }
    }

    /// What is shown.
    pub(super) fn about(self) -> &'static str {
        match self {
            Self::ZjGxsz => "talk records, encrypted with SM4 (谈心谈话)",
            Self::Eduyun => "a teacher opens a national application without a second log-in (会话交换)",
            Self::SkillTrain => "a learner studies under supervision, and a class comes in (在线学习监管)",
            Self::Culturedc => "an activity is published, numbers are reported, a key is renewed (公共文化云)",
            Self::ZjzwfwSso => "a citizen logs in by redirect, and a user is pushed to us (统一认证)",
        }
    }
}
