/** Runs a program, its output thrown away, and prints the most memory it held, in bytes. */
const child = Bun.spawnSync(process.argv.slice(2), { stdout: "ignore", stderr: "inherit" });
if (child.exitCode > 1) process.exit(child.exitCode);
console.log(child.resourceUsage.maxRSS);
