"""The recovery service: finds what no saga will finish, and has it finished or tells an operator."""
