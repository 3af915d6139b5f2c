import Glibc
import Linux
import Sandbox

/// Finding and reading the files of settings. They count only where nobody but root and the caller could
/// have written them: who can write to one decides what sandboxes may do.
package enum SettingsFiles {
    /// The most files in corral.d.
    private static let limit = 256

    /// corral.yaml and then corral.d/*.yaml, sorted by their bytes; those that are there. Names that
    /// begin with a dot are left out.
    package static func list(_ place: Place) throws(SettingsError) -> [String] {
        var files: [String] = []
        let main = "\(place.configuration)/corral.yaml"
        var status = stat()
        // A link that leads nowhere is a mistake that reading tells.
        if unsafe lstat(main, &status) == 0 { files.append(main) }
        let directory = "\(place.configuration)/corral.d"
        do throws(SystemError) {
            let entries = try FileDescriptor.open(directory, O_RDONLY | O_DIRECTORY).entries(limit: limit)
            let names = entries.map(\.name).filter { $0.hasSuffix(".yaml") && !$0.hasPrefix(".") }
            files += names.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }.map { "\(directory)/\($0)" }
        } catch {
            switch error.errno {
            case .noSuchFileOrDirectory: break
            case .fileTooLarge:
                throw SettingsError("\(shown(directory)): has more than \(limit) names")
            case .notDirectory:
                throw SettingsError("\(shown(directory)): is not a directory; expected one that holds *.yaml")
            default: throw SettingsError("\(shown(directory)): \(error.errno)")
            }
        }
        return files
    }

    /// What errors call a file.
    package static func called(_ path: String) -> String {
        path.utf8.allSatisfy { $0 >= 0x20 && $0 != 0x7F } ? path : shown(path)
    }

    /// - Parameter isTrusted: false for a file that is only checked and may be anybody's.
    package static func read(_ path: String, isTrusted: Bool = true) throws(SettingsError) -> [UInt8] {
        let name = called(path)
        do throws(SystemError) {
            // O_NONBLOCK: a FIFO in the file's place must not hold us up.
            let file = try FileDescriptor.open(path, O_RDONLY | O_NOCTTY | O_NONBLOCK)
            var status = stat()
            let number = file.number
            _ = try call("fstat") { unsafe fstat(number, &status) }
            guard status.st_mode & S_IFMT == S_IFREG else {
                throw SystemError("is not a regular file", nil, .invalidArgument)
            }
            if isTrusted, let why = weakness(status) { throw SystemError(why, nil, .notPermitted) }
            return try file.readAll(limit: 256 << 10)
        } catch {
            switch error.errno {
            case .fileTooLarge: throw SettingsError("\(name): has more than 256 KiB")
            // Our own two, told by their sentence.
            case .invalidArgument, .notPermitted:
                throw SettingsError("\(name): \(error.call.contains(" ") ? error.call : "\(error.errno)")")
            default: throw SettingsError("\(name): \(error.errno)")
            }
        }
    }

    /// Why somebody else could have changed a file; nil when nobody could.
    private static func weakness(_ status: stat) -> String? {
        guard status.st_uid == 0 || status.st_uid == geteuid() else {
            return "belongs to uid \(status.st_uid), who could change it; expected root's or the caller's"
        }
        guard status.st_mode & (S_IWGRP | S_IWOTH) == 0 else {
            return "can be written by others (mode 0\(String(status.st_mode & 0o7777, radix: 8))); "
                + "chmod go-w makes it fit"
        }
        return nil
    }
}

/// Settings as they are now, with everything that was wrong on the way.
package struct LoadedSettings: Sendable {
    package let settings: Settings
    /// Those that were read, in order.
    package let files: [String]
    package let errors: [SettingsError]
    package let warnings: [String]

    /// Reads the files, the environment, and puts options on top.
    /// - Parameter environment: entries such as `CORRAL_STATE=/srv/corral`.
    package static func load(
        place: Place, environment: [String], options: SettingsLayer = SettingsLayer()
    ) -> LoadedSettings {
        var layers: [SettingsLayer] = []
        var errors: [SettingsError] = []
        var found: [String] = []
        do throws(SettingsError) {
            found = try SettingsFiles.list(place)
        } catch {
            errors.append(error)
        }
        for file in found {
            do throws(SettingsError) {
                let bytes = try SettingsFiles.read(file)
                let (layer, mistakes) = SettingsReader.read(bytes, file: SettingsFiles.called(file))
                layers.append(layer)
                errors += mistakes.map { SettingsError($0) }
            } catch {
                errors.append(error)
            }
        }
        let variables = SettingsVariables.read(environment)
        errors += variables.errors
        let settings = Settings(place: place, layers: layers + [variables.layer, options])
        // Values that are missing because they were wrong would only lead to more complaints.
        if errors.isEmpty { errors = settings.problems }
        return LoadedSettings(
            settings: settings, files: found, errors: errors, warnings: variables.warnings)
    }
}
