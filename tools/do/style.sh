# SPDX-License-Identifier: Apache-2.0
#: style               what can be checked of the style rules, as TAP, with advice

exec tools/do/style --advice
