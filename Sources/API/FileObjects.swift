// The objects and operations of a session's files.

extension APIField.Kind {
    /// Below the workspace: names with slashes between them, or `.`.
    static let path = APIField.Kind.text(most: 4095)
}

extension APIObject {
    package static let file = APIObject(
        "File",
        "A file, a directory or whatever else a name in a workspace stands for; links are not followed.",
        [
            .required("path", .path, "below the workspace; `.` is the workspace"),
            .required("type", .word(fileTypes), "what it is"),
            .required("size", .count, "bytes of a file, or of a link's target"),
            .required("mode", .text(most: 4), "permission bits in octal, such as `0644`"),
            .required("modified", .time, "when its content changed last"),
            APIField("target", .text(most: 4095), "where a link leads"),
        ])

    package static let fileList = APIObject(
        "FileList", "A page of the names in a directory, sorted by their bytes.",
        [
            .required("files", .list(.object(file), most: 1000), "in order"),
            APIField("next", .text(most: 512), "`after` of the next page, where there is one"),
        ])

    package static let fileEvent = APIObject(
        "FileEvent", "Something that happened to a name in a workspace.",
        [
            .required("type", .word(fileEventTypes), "what; `overflow` means that some of it was not kept"),
            .required("path", .path, "below the workspace"),
            .required("directory", .flag, "whether it is a directory"),
            APIField("move", .count, "the same in the two events of one move"),
        ])

    package static let fileEventTypes = [
        "created", "changed", "attributes", "removed", "moved-away", "moved-here", "gone", "overflow",
    ]

    package static let unpacked = APIObject(
        "Unpacked", "What an archive had.",
        [
            .required("path", .path, "where it was unpacked"),
            .required("files", .count, "regular files"),
            .required("directories", .count, "directories that it names"),
            .required("links", .count, "symbolic and hard links"),
            .required("bytes", .count, "sizes of the files together"),
        ])

    package static let directoryRequest = APIObject(
        "DirectoryRequest", "A directory to make.",
        [
            .required("path", .path, "its path"),
            APIField("parents", .flag, "makes those above as well, and takes one that is there already"),
        ])

    package static let moveRequest = APIObject(
        "MoveRequest", "A new name for a file or a directory, or a copy of it.",
        [
            .required("from", .path, "what there is"), .required("to", .path, "its name afterwards"),
            APIField("replace", .flag, "whether it may take the place of a file that is there"),
        ])

    package static let fileTypes = ["file", "directory", "link", "fifo", "socket", "device"]
}

extension APIRoute {
    static let files = files(below: session)

    /// The same of a workspace, whether or not a session has it, or of a snapshot: `WORKSPACE@SNAPSHOT`.
    static let workspaceFiles = files(below: workspace).map { route in
        var route = route
        route.name = nameForWorkspaces(route.name)
        route.summary += ", of a workspace (`NAME`) or a snapshot (`NAME@SNAPSHOT`)"
        return route
    }

    /// `readFile` is `readWorkspaceFile` for the files of a workspace.
    package static func nameForWorkspaces(_ name: String) -> String {
        let start = name.lastIndex(where: \.isUppercase) ?? name.startIndex
        return "\(name[..<start])Workspace\(name[start...])"
    }

    private static func files(below owner: String) -> [APIRoute] {
        filesWithoutBody(owner) + filesWithBody(owner)
    }

    private static func filesWithoutBody(_ owner: String) -> [APIRoute] {
        [
            APIRoute(
                .get, "\(owner)/files", "listFiles", "The names in a directory of the workspace",
                query: [
                    APIField("path", .path, "the directory; the workspace where it is left out"),
                    APIField("after", .text(most: 512), "`next` of the page before"),
                    APIField("limit", .whole(1...1000), "at most so many"),
                ], .object(.fileList)),
            APIRoute(
                .delete, "\(owner)/files", "removeFile", "Removes a file or an empty directory",
                query: [
                    .required("path", .path, "what to remove"),
                    APIField("recursive", .flag, "a directory with all that is in it"),
                ], status: 204, .empty),
            APIRoute(
                .get, "\(owner)/files/stat", "statFile", "What a name stands for",
                query: [.required("path", .path, "the name")], .object(.file)),
            APIRoute(
                .get, "\(owner)/files/content", "readFile",
                "The bytes of a file; with a `Range` of one part (RFC 9110) that part, as 206",
                query: [
                    .required("path", .path, "the file"),
                    APIField("offset", .count, "from there on"),
                    APIField("length", .count, "at most so many"),
                ], .bytes),
            APIRoute(
                .get, "\(owner)/files/archive", "archiveFiles",
                "A file, or a directory with all that is in it, as a tar or a zip file",
                query: [
                    APIField("path", .path, "which; the workspace where it is left out"),
                    APIField("format", .word(archiveFormats), "`tar` where it is left out"),
                ], .bytes),
            APIRoute(
                .get, "\(owner)/files/watch", "watchFiles",
                "What happens to the names in a directory, as it happens, until it is gone",
                query: [
                    APIField("path", .path, "the directory; the workspace where it is left out"),
                    APIField("recursive", .flag, "and in those below it, at most 1,000 of them"),
                ], .fileEvents),
        ]
    }

    private static func filesWithBody(_ owner: String) -> [APIRoute] {
        [
            APIRoute(
                .put, "\(owner)/files/archive", "unpackFiles",
                "Unpacks a tar file, plain or compressed by gzip or zstd, or a zip file: "
                    + "all of it or nothing",
                query: [
                    APIField(
                        "path", .path,
                        "a directory that is made, or is there; the workspace where it is left out"
                    ),
                    APIField(
                        "replace", .flag, "whether its files may take the place of files that are there"),
                    APIField("caseSensitive", .flag, "takes names that differ in case alone"),
                ], takesBytes: true, .object(.unpacked)),
            APIRoute(
                .put, "\(owner)/files/content", "writeFile",
                "Writes a file: whole, in one step once all of the body is there; or behind what it has; "
                    + "or at an offset",
                query: [
                    .required("path", .path, "the file"),
                    APIField(
                        "write", .word(fileWrites),
                        "`replace` where it is left out; `create` refuses a file that is there"),
                    APIField("offset", .count, "with `at`: where to begin"),
                    APIField(
                        "mode", .text(most: 4), "permission bits in octal of a file that is made; `0644`"),
                ], takesBytes: true, .object(.file)),
            APIRoute(
                .post, "\(owner)/files/mkdir", "makeDirectory", "Makes a directory",
                request: .directoryRequest, status: 201, .object(.file)),
            APIRoute(
                .post, "\(owner)/files/move", "moveFile", "Gives a file or a directory another name",
                request: .moveRequest, .object(.file)),
            APIRoute(
                .post, "\(owner)/files/copy", "copyFile",
                "Copies a file, or a directory with all that is in it",
                request: .moveRequest, .object(.file)),
        ]
    }

    package static let archiveFormats = ["tar", "zip"]
    package static let fileWrites = ["replace", "create", "append", "at"]
}
