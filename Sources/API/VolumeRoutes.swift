// The operations on directories of the host that are volumes, and their objects.

extension APIRoute {
    static let hostVolumes: [APIRoute] = [
        APIRoute(
            .post, "/v1/volumes", "createVolume",
            "Makes an empty directory of the host a volume, whose directories get limits of their own",
            request: .hostVolumeRequest, status: 201, .object(.hostVolume)),
        APIRoute(
            .get, "/v1/volumes", "listVolumes", "Directories of the host that are volumes",
            .object(.hostVolumeList)),
        APIRoute(
            .post, "/v1/volumes/resize", "resizeVolume",
            "Makes a volume bigger, or smaller where what is in it fits", request: .hostVolumeSize,
            .object(.hostVolume)),
        APIRoute(
            .delete, "/v1/volumes", "removeVolume",
            "Unmounts a volume that neither sessions nor programs of the host use",
            query: [
                .required("path", .path, "of the volume"),
                APIField(
                    "data", .word(["delete", "keep"]),
                    "what becomes of what is in it; there must be nothing where it is left out"),
            ], status: 204, .empty),
    ]
}

extension APIObject {
    package static let hostVolumeRequest = APIObject(
        "HostVolumeRequest", "A directory of the host that is to be a volume.",
        [
            .required("path", .path, "an empty directory that sessions may have (setting mounts)"),
            APIField(
                "bytes", .whole(1...UInt64.max),
                "its size, which is set aside at once; required but with adopt"),
            APIField("adopt", .flag, "whether to mount again what is on record of the path, as it is"),
        ])

    package static let hostVolumeSize = APIObject(
        "HostVolumeSize", "Another size of a volume.",
        [
            .required("path", .path, "of the volume"),
            .required(
                "bytes", .whole(1...UInt64.max), "its size, of which what is added is set aside at once"),
        ])

    package static let hostVolumeStates = ["mounted", "unmounted", "kept"]

    package static let hostVolume = APIObject(
        "HostVolume", "A directory of the host that is a volume.",
        [
            .required("path", .path, "where programs of the host have it"),
            .required(
                "state", .word(hostVolumeStates),
                "`kept` is what was removed without what is in it"),
            APIField("problem", .text(most: 4096), "why it is not mounted, where it should be"),
            .required("bytes", .count, "its size"),
            APIField("used_bytes", .count, "what is in it; absent where it is not open"),
            .required("sessions", .count, "how many have a directory of it"),
            .required("created", .time, "when"),
        ])

    package static let hostVolumeList = APIObject(
        "HostVolumeList", "Directories of the host that are volumes, in the order of their paths.",
        [.required("volumes", .list(.object(hostVolume), most: 64), "all of them")])
}
