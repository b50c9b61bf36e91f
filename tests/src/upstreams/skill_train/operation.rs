//! The operations of the platform with their paths: repaired, and as the interface document prints them.
//! Never decides what an operation does.

/// Which spelling of the two misprinted paths exists.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Spelling {
    /// `/api/v1/startStudy`, `/api/v1/thirdFaceCompare`.
    Repaired,
    /// `/api/startStudy` (also with the space, `/api/%20startStudy`), `/api/v1thirdFaceCompare`.
    Printed,
    /// Either.
    Both,
}

/// The half of the document: it decides how the token's member is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    /// Learning platform: `userToken`.
    Learning,
    /// Business platform: `user_token`.
    Business,
}

/// What the platform can be asked, in the document's order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Operation {
    Login,
    Authenticate,
    StartStudy,
    EndStudy,
    FaceConfig,
    FaceCompare,
    PopupGet,
    PopupSubmit,
    RecordSubmit,
    Progress,
    PhotoUpdate,
    CoursePush,
    TeacherPush,
    CourseInfo,
    StudentPush,
    ClassPush,
    StudyRecords,
}

/// One line of the document's tables: number, operation, name, path, misprints.
pub(super) struct Endpoint {
    pub(super) number: &'static str,
    pub(super) operation: Operation,
    pub(super) name: &'static str,
    pub(super) path: &'static str,
    printed: &'static [&'static str],
}

const fn endpoint(
    number: &'static str,
    operation: Operation,
    name: &'static str,
    path: &'static str,
    printed: &'static [&'static str],
) -> Endpoint {
    Endpoint { number, operation, name, path, printed }
}

/// All of them; 1.12 and 1.14 are calls that the platform makes.
pub(super) const ENDPOINTS: [Endpoint; 17] = [
    endpoint("1.1", Operation::Login, "login", "/api/v1/thlogin", &[]),
    endpoint("1.2", Operation::Authenticate, "student.authenticate", "/api/v1/authentication", &[]),
    endpoint(
        "1.3",
        Operation::StartStudy,
        "study.start",
        "/api/v1/startStudy",
        &["/api/startStudy", "/api/%20startStudy"],
    ),
    endpoint("1.4", Operation::EndStudy, "study.end", "/api/v1/endStudy", &[]),
    endpoint("1.5", Operation::FaceConfig, "face.config", "/api/v1/getFaceCompareConfig", &[]),
    endpoint("1.6", Operation::FaceCompare, "face.compare", "/api/v1/thirdFaceCompare", &["/api/v1thirdFaceCompare"]),
    endpoint("1.7", Operation::PopupGet, "popup.get", "/api/v1/getVerificationCode", &[]),
    endpoint("1.8", Operation::PopupSubmit, "popup.submit", "/api/v1/submitVerificationCode", &[]),
    endpoint("1.9", Operation::RecordSubmit, "record.submit", "/api/v1/submitRecordVideoUrl", &[]),
    endpoint("1.10", Operation::Progress, "progress.report", "/api/v1/studyHour", &[]),
    endpoint("1.11", Operation::PhotoUpdate, "photo.update", "/api/v1/updateErcunPhotosUrl", &[]),
    endpoint("1.13", Operation::CoursePush, "course.push", "/api/v1/thirdCoursePush", &[]),
    endpoint("2.1", Operation::TeacherPush, "teacher.push", "/api/user/v1/teacherInfo", &[]),
    endpoint("2.2", Operation::CourseInfo, "course.info", "/api/course/v1/courseInfo", &[]),
    endpoint("2.3", Operation::StudentPush, "student.push", "/api/user/v1/studentInfo", &[]),
    endpoint("2.4", Operation::ClassPush, "class.push", "/api/class/v1/pushClassInfo", &[]),
    endpoint("2.5", Operation::StudyRecords, "class.study-records", "/api/class/v1/classStudentStudy", &[]),
];

impl Endpoint {
    /// The endpoint at this path, as it stands in a request line.
    pub(super) fn of_path(path: &str, spelling: Spelling) -> Option<&'static Self> {
        ENDPOINTS.iter().find(|endpoint| {
            let repaired = spelling != Spelling::Printed || endpoint.printed.is_empty();
            let printed = spelling != Spelling::Repaired;
            (repaired && endpoint.path == path) || (printed && endpoint.printed.contains(&path))
        })
    }

    pub(super) fn part(&self) -> Part {
        if self.number.starts_with('2') { Part::Business } else { Part::Learning }
    }
}
