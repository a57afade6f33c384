# SPDX-License-Identifier: Apache-2.0
# An empty function for each one that a sample call of wire_messages.c calls.
s/.*r = \(call_[A-Za-z0-9_]*\)(.*/void \1(void);\nvoid \1(void)\n{\n}/p
