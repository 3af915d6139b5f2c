// The operations on the audit records, and their objects.

extension APIRoute {
    static let audit: [APIRoute] = [
        APIRoute(
            .get, "/v1/audit", "listAudit",
            "Who did what: of everybody for operators, of the own tenant for others",
            query: [
                APIField("after", .whole(0...UInt64(Int64.max)), "`next` of the page before"),
                APIField("last", .whole(1...1000), "the last so many; not with `after`"),
                APIField("limit", .whole(1...1000), "at most so many"),
                APIField("since", .time, "from then on"), APIField("until", .time, "before that"),
                APIField("tenant", .name, "of one tenant's callers"),
                APIField("who", .text(most: 128), "a user id, or the name of a token"),
                APIField("action", .text(most: 64), "such as `session.create`, or `session.*`"),
                APIField("object", .text(most: 128), "such as a session's id or name"),
                APIField(
                    "outcome", .text(most: 64),
                    "`done`, `accepted`, a refusal's code, or `refused` for every refusal"),
            ], .object(.auditPage)),
        APIRoute(
            .get, "/v1/audit/verify", "verifyAudit", "Checks a part of the audit records",
            query: [
                APIField(
                    "after", .text(most: 128), "a mark, `NUMBER:DIGEST`, that the records have to follow"),
                APIField(
                    "archive", .whole(1...UInt64(Int64.max)), "the archive to go on in, with `offset`"),
                APIField(
                    "offset", .whole(0...UInt64(Int64.max)),
                    "where in it; without `after` the line there is believed what it says of the one before it"
                ),
                APIField(
                    "from", .whole(1...UInt64(Int64.max)),
                    "the record to begin with, which is believed what it says of the one before it"),
            ], .object(.auditCheck)),
    ]
}

extension APIObject {
    package static let auditRecord = APIObject(
        "AuditRecord", "That somebody did something, or was refused. One line, of ASCII alone.",
        [
            .required("seq", .count, "1, 2, 3 and so on"), .required("time", .time, "when"),
            APIField("uid", .count, "the caller's user id, on a unix socket"),
            APIField("token", .text(most: 256), "the name of the caller's token"),
            APIField("tenant", .text(most: 256), "the caller's"),
            .required(
                "what", .text(most: 64),
                "such as `session.create`; `read.` and an operation for a refused look"),
            APIField(
                "object", .text(most: 1024), "to what: an id or a name, as it was written where there is none"
            ),
            .required("outcome", .text(most: 64), "`accepted`, `done`, or the code of the refusal"),
            APIField("count", .count, "how many refusals it stands for; absent for one"),
            APIField("trace", .text(most: 64), "the trace id of the request"),
            .required("previous", .text(most: 64), "the digest of the record before"),
            .required("digest", .text(most: 64), "SHA-256 of this one and `previous`"),
        ])

    package static let auditPage = APIObject(
        "AuditPage", "A part of the audit records, oldest first.",
        [
            .required("records", .list(.object(auditRecord), most: 1000), "those that were asked for"),
            APIField(
                "next", .count,
                "where to go on; absent where there are no more. A page may have no record and one"),
        ])

    package static let auditCheck = APIObject(
        "AuditCheck", "What a check of a part of the audit records found.",
        [
            .required(
                "complete", .flag,
                "whether that was all; else go on from `resume`, or in `archive` and, where nothing is broken, after "
                    + "`number` and `digest`, or after these alone"),
            .required("number", .count, "the last record that is as it was written; 0: none yet"),
            .required("digest", .text(most: 64), "its digest"),
            APIField("broken", .count, "the first record that is not"),
            APIField("problem", .text(most: 256), "what is wrong with it"),
            APIField(
                "archive", .count,
                "the archive to go on in; not with `complete`. Without it the records that are no file's follow"
            ),
            APIField("offset", .count, "where in it"),
            APIField("resume", .count, "the record to go on from behind that; absent where there is none"),
        ])
}
