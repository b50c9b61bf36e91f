//! Supervised on-line vocational training (职业技能培训在线学习监管服务平台): who studies, how long, and whether the right
//! person sits there. One log-in for all calls of a link; both halves of the upstream's document; the two calls that the
//! upstream makes itself. It never keeps a name, an identity number or a photo, and never writes one into a log or a
//! message.
//!
//! The way in: [`call`] is a call from top to bottom; [`session`] logs in; [`envelope`] is what is around every request;
//! [`student`], [`study`], [`face`], [`popup`] and [`course`] are part 1, [`business`] is part 2; [`hook`], [`class`] and
//! [`course::pull`] answer the upstream; [`config`] is what a link may say.

#![cfg_attr(
    test,
    allow(clippy::indexing_slicing, clippy::panic, clippy::unwrap_used, reason = "a test ends where it goes wrong")
)]

pub mod business;
pub mod call;
pub mod class;
pub mod config;
pub mod course;
pub mod envelope;
pub mod face;
pub mod hook;
pub mod input;
pub mod model;
pub mod operation;
pub mod popup;
pub mod session;
pub mod student;
pub mod study;

use duijie_sdk::{About, Connector, Hooks, Link, Operations, Problem, Slot, Use};

use config::Config;

/// The slot of the platform's password.
pub const PASSWORD: &str = "password";
/// The slot of a token for part 2 that does not come from the log-in.
pub const PART2_TOKEN: &str = "part2_token";
/// The slot of the token that the upstream shows to our hooks.
pub const HOOK_TOKEN: &str = "hook_token";

/// Total time of most operations, log-in included.
const DEADLINE_MS: u32 = 5_000;
/// The order of a learner: a viewing begins, is reported on, ends.
const STUDY: &str = "study";
/// Total time where a photo, a class or a catalogue is on the way.
const LONG_DEADLINE_MS: u32 = 10_000;
/// Bytes of an input with a photo or a catalogue: 2,000,000 bytes are 2,666,668 characters of base64.
const LARGE_BODY: u32 = 4 * 1024 * 1024;

/// The connector.
pub struct SkillTrain;

impl Connector for SkillTrain {
    const NAME: &'static str = "skill-train";
    const VERSION: &'static str = env!("CARGO_PKG_VERSION");
    type Config = Config;
    const MANIFEST: Option<&'static str> = Some(include_str!("../manifest.json"));

    fn about() -> About {
        About::new(
            "Supervised on-line vocational training: study progress, face and idle checks, course supply, classes.",
            "职业技能培训在线学习监管服务平台:学时上报、人脸与防挂机核验、课程供给、班级对接。",
        )
        .secret(Slot::new(
            PASSWORD,
            "The platform account's password as issued; sent in clear by the upstream's design.",
            "平台账号的密码原文(上游规定明文传输)。",
            [Use::Send],
        ))
        .secret(
            Slot::new(
                PART2_TOKEN,
                "The token of part 2, for part2.token_source = \"static\".",
                "第二部分接口的令牌(part2.token_source = \"static\" 时)。",
                [Use::Send],
            )
            .optional(),
        )
        .secret(
            Slot::new(
                HOOK_TOKEN,
                "The token that the upstream shows to our hooks, for hook.check_token.",
                "上游回调时出示的令牌(hook.check_token 时)。",
                [Use::Digest],
            )
            .optional(),
        )
    }

    fn operations(ops: &mut Operations<Self>) {
        learning(ops);
        courses(ops);
        business(ops);
    }

    fn hooks(hooks: &mut Hooks<Self>) {
        hooks.add("class-push", "POST", class::push).summary(
            "The upstream pushes an approved class (1.12) and gets its learners' accounts in the answer.",
            "监管平台推送审核通过的班级(1.12),应答中返回学员账号。",
        );
        hooks
            .add("course-pull", "POST", course::pull)
            .summary("The upstream pulls one page of the course catalogue (1.14).", "监管平台分页拉取课程(1.14)。");
    }

    fn check(link: &Link<Config>) -> Vec<Problem> {
        config::problems(link.config())
    }
}

/// Part 1, from learner to photo. Who studies, and how far, is personal too.
fn learning(ops: &mut Operations<SkillTrain>) {
    ops.add("token.check", session::check)
        .summary("Logs in anew: account, password and address are right (1.1).", "重新登录,验证账号、密码与地址(1.1)。")
        .read()
        .repeat_safe()
        .deadline_ms(DEADLINE_MS);
    ops.add("student.authenticate", student::authenticate)
        .summary("Do a learner's name and identity number belong together (1.2)?", "学员实名认证(1.2)。")
        .read()
        .repeat_safe()
        .personal(["/cardNo", "/name"])
        .deadline_ms(DEADLINE_MS);
    ops.add("study.start", study::start)
        .summary("A viewing begins (1.3).", "开始学习(1.3)。")
        .write()
        .key("/studentUserCode")
        .line(STUDY)
        .personal(["/studentUserCode"])
        .deadline_ms(DEADLINE_MS);
    ops.add("study.end", study::end)
        .summary("A video is finished (1.4).", "结束学习(1.4)。")
        .write()
        .key("/studentUserCode")
        .line(STUDY)
        .personal(["/studentUserCode"])
        .deadline_ms(DEADLINE_MS);
    ops.add("progress.report", study::progress)
        .summary(
            "What was watched since the last report, every minute (1.10): increments add up at the upstream.",
            "每分钟上报学时增量(1.10),上游累加。",
        )
        .write()
        .key("/studentUserCode")
        .line(STUDY)
        .coalesce(["/progressTime"], ["/playTime"])
        .personal(["/studentUserCode", "/playTime", "/progressTime"])
        .deadline_ms(DEADLINE_MS);
    ops.add("record.submit", study::submit_recording)
        .summary("Where the recording of a viewing is (1.9).", "提交学习录像地址(1.9)。")
        .write()
        .repeat_safe()
        .key("/studentUserCode")
        .line(STUDY)
        // Of another viewing of the same learner.
        .every_version()
        .personal(["/studentUserCode", "/recordVideoUrl"])
        .deadline_ms(DEADLINE_MS);
    ops.add("photo.update", student::update_photo)
        .summary("Another two-inch photo of a learner (1.11).", "更新学员二寸照(1.11)。")
        .write()
        .repeat_safe()
        .key("/cardNo")
        .personal(["/cardNo", "/ercunPhotoUrl"])
        .deadline_ms(DEADLINE_MS);
    ops.add("face.config", face::config)
        .summary("A face check begins (1.5).", "获取人脸比对配置(1.5)。")
        .read()
        .repeat_safe()
        .personal(["/studentUserCode", "/bizCode"])
        .deadline_ms(DEADLINE_MS);
    ops.add("face.compare", face::compare)
        .summary(
            "Is it the right face (1.6)? \"No\" is an answer. Called directly, never through a queue.",
            "人脸比对(1.6);不通过也是正常应答。须同步调用,不得排队。",
        )
        .write()
        .direct_only()
        .personal(["/studentUserCode", "/target", "/bizCode", "/videoStudyTime"])
        .deadline_ms(LONG_DEADLINE_MS)
        .max_body(LARGE_BODY);
    ops.add("popup.get", popup::get)
        .summary("A code for the learner to type (1.7).", "获取防挂机验证码(1.7)。")
        .read()
        .repeat_safe()
        .personal(["/studentUserCode", "/bizCode", "/verificationCode"])
        .deadline_ms(DEADLINE_MS);
    ops.add("popup.submit", popup::submit)
        .summary("What the learner typed (1.8).", "提交防挂机验证码(1.8)。")
        .write()
        .direct_only()
        .personal(["/bizCode", "/verificationCode", "/videoStudyTime"])
        .deadline_ms(DEADLINE_MS);
}

/// Part 1, the catalogue.
fn courses(ops: &mut Operations<SkillTrain>) {
    ops.add("course.push", course::push)
        .summary("Courses that are new, have changed or are no more (1.13).", "推送课程:新增、修改、删除(1.13)。")
        .write()
        .repeat_safe()
        // What is new must be there before it changes.
        .line("course")
        .deadline_ms(LONG_DEADLINE_MS)
        .max_body(LARGE_BODY);
    ops.add("course.store", course::store)
        .summary(
            "Keeps courses in the link's store for the upstream to pull (pull.source = \"store\"); sends nothing.",
            "将课程存入本链接,供上游拉取(pull.source = \"store\");不发送。",
        )
        .write()
        .repeat_safe()
        .deadline_ms(LONG_DEADLINE_MS)
        .max_body(LARGE_BODY);
}

/// Part 2.
fn business(ops: &mut Operations<SkillTrain>) {
    ops.add("teacher.push", business::push_teacher)
        .summary("A teacher (2.1).", "推送教师(2.1)。")
        .write()
        .repeat_safe()
        .key("/teaCode")
        .personal(["/teaName", "/teaCard", "/mobile", "/remark"])
        .deadline_ms(DEADLINE_MS);
    ops.add("course.info", business::push_course)
        .summary("A course (2.2).", "推送课程信息(2.2)。")
        .write()
        .repeat_safe()
        .key("/courseName")
        .deadline_ms(LONG_DEADLINE_MS)
        .max_body(LARGE_BODY);
    ops.add("student.push", business::push_students)
        .summary("Students, up to 500 at once (2.3).", "推送学员,一次至多 500 名(2.3)。")
        .write()
        .repeat_safe()
        .line("student")
        .personal([
            "/students/*/stuName",
            "/students/*/stuCard",
            "/students/*/mobile",
            "/students/*/ercunPhotos",
            "/students/*/remark",
        ])
        .deadline_ms(LONG_DEADLINE_MS);
    ops.add("class.push", business::push_class)
        .summary("A class with its courses and learners (2.4).", "推送班级及其课程与学员(2.4)。")
        .write()
        .repeat_safe()
        .key("/classCode")
        .personal(["/students/*/cardNo", "/students/*/studentName", "/students/*/ercunPhotos"])
        .deadline_ms(LONG_DEADLINE_MS)
        .max_body(LARGE_BODY);
    ops.add("class.study-records", business::study_records)
        .summary("What the learners of a class have studied (2.5).", "查询班级学员学习记录(2.5)。")
        .read()
        .repeat_safe()
        .key("/classCode")
        .personal(["/records/*/studentUserCode", "/records/*/playTime"])
        .deadline_ms(LONG_DEADLINE_MS);
}

duijie_sdk::export!(SkillTrain);
