// Files that operators and images bring: profiles, images, recipes, variables, package sources.

import Commands
import Debian
import Quotas
import Sandbox

/// An error names a place that the file has, and is fit for one line of a terminal.
func checkError(_ error: ConfigError, in text: [UInt8]) throws(FuzzFailure) {
    // More than one byte ends a line in YAML 1.1: CR, NEL, LS and PS as well.
    let most = text.count + 2
    try hold((1...most).contains(error.line) && (1...most).contains(error.column), "no place: \(error)")
    try hold(!error.problem.isEmpty, "an error without a problem")
    try checkLine(error.description, "an error")
}

/// What is printed must be one line that moves no cursor.
func checkLine(_ text: String, _ what: String) throws(FuzzFailure) {
    let isPlain = escapingControls(text.unicodeScalars).utf8.elementsEqual(text.utf8)
    try hold(isPlain, "\(what) holds control characters: \(escapingControls(text.unicodeScalars))")
}

func checkVariable(_ variable: EnvironmentVariable) throws(FuzzFailure) {
    let letters = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_".utf8)
    let name = Array(variable.name.utf8)
    let isName = name.first.map(letters.contains) ?? false
    let others = letters + Array("0123456789".utf8)
    try hold(isName && name.allSatisfy(others.contains), "the variable \(shown(variable.name))")
    try hold(!variable.value.utf8.contains(0), "a NUL byte in \(variable.name)")
}

/// A profile's file, read in the two ways that there are, and its stored form.
func checkProfile(_ text: [UInt8]) throws(FuzzFailure) {
    let file = "profiles/fuzz.yaml"
    let (read, errors) = ProfileFile.read(text, file: file)
    for error in errors { try checkError(error, in: text) }
    if (try? YAMLNode(parsing: text, file: file)) == nil {
        try hold(read == nil && errors.count == 1, "no YAML, and a profile nevertheless")
    }
    let profile: Profile
    do throws(ConfigError) {
        _ = try KeyPlaces(text, file: file)
        profile = try Profile.decode(text, file: file)
    } catch {
        return try checkError(error, in: text)
    }
    try hold(errors.isEmpty && read?.name == "fuzz", "decoded in spite of \(errors.count) errors")
    for variable in profile.environment { try checkVariable(variable) }
    for method in profile.relay.messages?.methods ?? [] {
        try hold((try? MessagePolicy.checkMethod(method)) != nil, "the method \(shown(method))")
    }
    var writer = StoredWriter()
    profile.store(in: &writer)
    var reader = StoredReader(writer.bytes)
    let back = try? Profile(from: &reader)
    try hold(back == profile && reader.isAtEnd, "stored it is another profile")
}

/// A plan's file, whose profiles there are, and which other plans there are not.
func checkPlanFile(_ text: [UInt8]) throws(FuzzFailure) {
    let file = "plans/fuzz.yaml"
    let (read, errors) = PlanFile.read(text, file: file)
    for error in errors { try checkError(error, in: text) }
    let library = PlanLibrary(
        find: { (name, place) throws(PlanUnreadable) in
            name == "fuzz" && place == 0 ? PlanText(called: file, bytes: text, place: 1) : nil
        }, names: { ["fuzz"] }, profiles: { ["default"] })
    let plan: Plan
    do throws(PlanProblem) {
        plan = try library.plan("fuzz")
    } catch {
        return try hold(!error.sentences.isEmpty && !error.isUnknown, "a problem without a sentence")
    }
    try hold(errors.isEmpty && read?.name == plan.name, "a plan in spite of \(errors.count) errors")
    try hold(plan.changes(to: plan).isEmpty, "a plan that differs from itself")
    for (quota, limit) in plan.quotas.all {
        try hold(quota.rule.range.contains(limit), "\(limit) of \(quota.rawValue)")
    }
    try hold(plan.profiles.allows(plan.profile(usual: "default")), "a session of nobody's profile")
}

/// An image's file, or the recipe of one.
func checkImage(_ text: [UInt8]) throws(FuzzFailure) {
    let file = "images/fuzz.yaml"
    if ImageRecipe.isWritten(in: text) {
        let recipe: ImageRecipe
        do throws(ConfigError) {
            recipe = try ImageRecipe.decode(text, file: file)
        } catch {
            return try checkError(error, in: text)
        }
        for package in recipe.packages {
            try hold(
                package.utf8.first.map { $0 > UInt8(ascii: "/") } ?? false, "the package \(shown(package))")
            try checkLine(package, "a package")
        }
        for path in recipe.exclude { try hold((try? checkPath(path)) != nil, "the path \(shown(path))") }
        return
    }
    let image: Image
    do throws(ConfigError) {
        image = try Image.decode(text, file: file)
    } catch {
        return try checkError(error, in: text)
    }
    let paths =
        image.binds.map(\.path) + image.files.map(\.path) + image.symlinks.map(\.path)
        + image.tmpfs.map(\.path) + image.masked + [image.workspace]
    for path in paths { try hold((try? checkPath(path)) != nil, "the path \(shown(path))") }
    var writer = StoredWriter()
    image.store(in: &writer)
    var reader = StoredReader(writer.bytes)
    let back = try? Image(from: &reader)
    try hold(back == image && reader.isAtEnd, "stored it is another image")
    let written = try? Image.decode(Array(image.yaml.utf8), file: file)
    var again = StoredWriter()
    written?.store(in: &again)
    try hold(again.bytes == writer.bytes, "written it is another image:\n\(image.yaml)")
}

/// A file of variables; the caller has one called HOME.
func checkEnvironmentFile(_ bytes: [UInt8]) throws(FuzzFailure) {
    let file: EnvironmentFile
    do throws(ValueError) {
        file = try EnvironmentFile(bytes, file: "fuzz.env") { $0 == "HOME" ? "/root" : nil }
    } catch {
        return try checkLine(error.problem, "an error")
    }
    for variable in file.variables { try checkVariable(variable) }
    // Each line says one variable at most, and says it in its own bytes.
    let lines = bytes.split(separator: UInt8(ascii: "\n"))
    try hold(file.variables.count <= lines.count, "more variables than lines")
    for variable in file.variables where variable.name != "HOME" {
        let assignment = Array("\(variable.name)=\(variable.value)".utf8)
        let isThere = lines.contains { line in
            line.suffix(assignment.count).elementsEqual(assignment)
                || line.dropLast().suffix(assignment.count).elementsEqual(assignment)
        }
        try hold(isThere, "\(shown(variable.name)) stands nowhere")
    }
}

/// Both forms of sources.list(5). What is read is written as a line, which must be read as the same.
func checkAptSources(_ bytes: [UInt8]) throws(FuzzFailure) {
    let text = String(decoding: bytes, as: UTF8.self)
    for source in AptSources.list(text) + AptSources.paragraphs(text) {
        _ = source.serves("bookworm")
        try hold(!source.line.utf8.contains(UInt8(ascii: "\n")), "a line of two: \(shown(source.line))")
    }
    for source in AptSources.list(text) {
        try hold(AptSources.list(source.line).first == source, "\(shown(source.line)) is read otherwise")
    }
}
