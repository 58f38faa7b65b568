// SPDX-License-Identifier: GPL-3.0-or-later
// Opens pages of log-malloc-report in headless Chromium, and uses them as people do.
// Usage: node browser.mjs BUILD SOURCE DIRECTORY: where the commands are, the source tree, and a directory to write to.
import "./numbers.mjs";
import "./use.mjs";
import "./reports.mjs";
