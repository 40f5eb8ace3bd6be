"""How good the judge is: solutions changed in the ways that learners get wrong, each of which a check has to notice.

make mutants                    all exercises, three seeds
make mutants LESSON=05          one of them
"""
