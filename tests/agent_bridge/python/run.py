"""Runs tests of this folder; prints PASS, FAIL or SKIP and the name for each, as tests/run counts them.

    run.py MODULE...
"""

import sys
import unittest


class Lines(unittest.TestResult):
    def say(self, word, test, more=""):
        print(f"{word} {test.id()}{more}", flush=True)

    def addSuccess(self, test):
        self.say("PASS", test)

    def addSkip(self, test, reason):
        self.say("SKIP", test, f": {reason}")

    def addError(self, test, error):
        super().addError(test, error)
        self.say("FAIL", test, "\n" + self.errors[-1][1])

    def addFailure(self, test, error):
        super().addFailure(test, error)
        self.say("FAIL", test, "\n" + self.failures[-1][1])

    def addSubTest(self, test, subtest, error):
        super().addSubTest(test, subtest, error)
        if error is not None:
            lists = self.failures if issubclass(error[0], test.failureException) else self.errors
            self.say("FAIL", subtest, "\n" + lists[-1][1])


if __name__ == "__main__":  # processes that tests spawn import this
    result = Lines()
    unittest.defaultTestLoader.loadTestsFromNames(sys.argv[1:]).run(result)
    sys.exit(not result.wasSuccessful())
